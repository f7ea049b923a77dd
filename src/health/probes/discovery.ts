import { isDeeperThan, type JsonObject } from '../../model/data/json-object.ts'
import { redactText } from '../../model/redaction/redact-text.ts'

/** A result of `server/discover` that its server calls public: any client may use it instead of asking again. */
export type PublicDiscovery = {
  readonly result: JsonObject
  /** How long it may be used, in ms. */
  readonly ttlMs: number
}

/** Where a probe sent its request, and the headers of the definition that it sent. */
type SentTo = { readonly url: string; readonly headers: Readonly<Record<string, string>> }

const maxTtlMs = 24 * 3_600_000
const maxLevels = 31

/** The discover result that other clients may have; undefined where the server says no, or the probe sent credentials. */
export function publicDiscovery(result: JsonObject, request: SentTo): PublicDiscovery | undefined {
  const { ttlMs, cacheScope } = result
  if (cacheScope !== 'public' || typeof ttlMs !== 'number' || !(ttlMs > 0)) return undefined
  if (hasCredentials(request) || isDeeperThan(result, maxLevels)) return undefined
  return { result, ttlMs: Math.min(ttlMs, maxTtlMs) }
}

/** Any header of the definition counts, whatever its name. */
function hasCredentials({ url, headers }: SentTo): boolean {
  return Object.keys(headers).length > 0 || redactText(url) !== url
}
