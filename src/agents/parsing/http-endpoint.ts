import { isIPv6 } from 'node:net'
import type { JsonObject } from '../../model/data/json-object.ts'
import { RegistrationProblem } from '../errors.ts'
import { isHttpEndpoint } from './normalize.ts'

/** Maximum length of a host name, in characters. */
const maxHostLength = 253

/**
 * The endpoint of an agent by its `http_host` and `http_port`. Runtimes send port 0 until they know their own; a known
 * endpoint stays then.
 */
export function endpointOf(
  { http_host, http_port }: JsonObject,
  { id, endpoint, known }: { id: string; endpoint?: string | undefined; known: string | undefined },
): string {
  const host = hostIn(http_host)
  const port = portIn(http_port)
  if (host !== '' && port > 0) return `http://${host}:${port}`
  return endpoint || (known !== undefined && isHttpEndpoint(known) ? known : `stdio://${id}`)
}

function hostIn(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') return reject('http_host', 'must be text')
  if (value === '') return value
  const address = value.startsWith('[') && value.endsWith(']') ? value.slice(1, -1) : value
  if (isIPv6(address) && !address.includes('%')) return `[${address}]`
  if (value.length <= maxHostLength && /^[a-z0-9_]([a-z0-9._-]*[a-z0-9_.])?$/i.test(value)) return value
  return reject('http_host', 'must be a host name or an address alone, without scheme, user, port or path')
}

/** The port; 0 where it is not known yet. */
function portIn(value: unknown): number {
  if (value === undefined || value === null) return 0
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535) return value
  return reject('http_port', 'must be a whole number from 1 to 65535, or 0 while the port is not known')
}

function reject(field: string, reason: string): never {
  throw new RegistrationProblem(field, `Validation failed: '${field}' ${reason}`)
}
