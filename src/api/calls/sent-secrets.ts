import { isJsonObject } from '../../model/data/json-object.ts'
import { percentDecode } from '../../model/data/percent-encoding.ts'
import { redactedText } from '../../model/redaction/secrets.ts'
import { extractCredentials } from '../../outbound/redirects.ts'

/** Shorter values are no secrets, and stand in many texts by chance. */
const minLength = 4

/**
 * Removes from texts, lists and objects what a call sent as credentials: the values of its headers and the secrets of its URL, whole,
 * without their scheme (`Bearer`), decoded (`Basic`) and URL-encoded. Names of members too.
 */
export function createScrub({ url, headers }: { url: string; headers: Readonly<Record<string, string>> }) {
  const sent = [...Object.values(headers).flatMap(partsOf), ...secretsOf(new URL(url))]
  const forms = sent.flatMap((value) => [value, encodeURIComponent(value.toWellFormed())])
  const values = [...new Set(forms)].filter(({ length }) => length >= minLength)
  // The longest first: another may be a part of it.
  values.sort((one, other) => other.length - one.length)

  function scrubText(text: string): string {
    return values.reduce((rest, value) => rest.replaceAll(value, redactedText), text)
  }

  function scrub(value: unknown): unknown {
    if (typeof value === 'string') return scrubText(value)
    if (Array.isArray(value)) return value.map(scrub)
    if (!isJsonObject(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [scrubText(name), scrub(member)]))
  }

  return { scrub, scrubText }
}

function partsOf(value: string): string[] {
  const [, scheme = '', credentials] = /^(\S+)\s+(\S.*)$/.exec(value) ?? []
  if (credentials === undefined) return [value]
  if (scheme.toLowerCase() !== 'basic') return [value, credentials]
  const decoded = Buffer.from(credentials, 'base64').toString()
  return [value, credentials, decoded, decoded.slice(decoded.indexOf(':') + 1)]
}

/** As they are written in the URL, and as they are sent: `user:password@` becomes a `Basic` header. */
function secretsOf(url: URL): string[] {
  const written = [url.username, url.password].flatMap((part) => [part, percentDecode(part) ?? part])
  const { authorization } = extractCredentials(new URL(url))
  return [...written, ...url.searchParams.values(), ...Object.values(authorization).flatMap(partsOf)]
}
