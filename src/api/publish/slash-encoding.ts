import { getPath } from 'hono/utils/url'

/** A name whose slash is not encoded, followed by nothing or by its versions. */
const unencoded = /^(\/v0(?:\.1)?\/servers\/)([^/]+)\/(?!versions(?:\/|$))([^/]+)(?=\/versions(?:\/|$)|\/?$)/

/** The path that a request is routed by: names under `/v0.1` may come with a plain slash, as some clients send them. */
export function pathWithEncodedName(request: Request): string {
  const path = getPath(request)
  const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
  return plain.startsWith('/v0') ? plain.replace(unencoded, '$1$2%2F$3') : plain
}
