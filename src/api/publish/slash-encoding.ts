import { getPath } from 'hono/utils/url'

/** A path with a name whose slash is not encoded, followed by nothing or by its versions. */
const unencodedName = /^(\/v0(?:\.1)?\/servers\/)([^/]+)\/(?!versions(?:\/|$))([^/]+)(?=\/versions(?:\/|$)|\/?$)/

/** The path by which a request is routed. Some clients do not encode the slash of a name under `/v0.1`; this one does. */
export function pathWithEncodedName(request: Request): string {
  const path = getPath(request)
  const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
  return plain.startsWith('/v0') ? plain.replace(unencodedName, '$1$2%2F$3') : plain
}
