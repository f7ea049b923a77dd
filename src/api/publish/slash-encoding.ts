import type { Front } from '../servers/fast-path.ts'

/** A name whose slash nobody encoded, followed by nothing or by its versions. */
const unencoded =
  /^(\/v0(?:\.1)?\/servers\/)([^/]+)\/(?!versions(?:\/|\?|$))([^/?]+)(?=\/versions(?:\/|\?|$)|\/?\?|\/?$)/

/** Takes names whose slash was not encoded, as some clients send them, for what they are; answers nothing itself. */
export const withNamesEncoded: Front = (request) => {
  const { url = '' } = request
  if (url.startsWith('/v0')) request.url = url.replace(unencoded, '$1$2%2F$3')
  return false
}
