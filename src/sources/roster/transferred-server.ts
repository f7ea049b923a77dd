import type { ReportedHealth } from '../../model/health.ts'
import { Status, Reason } from '../../model/health.ts'
import { redactedText } from '../../model/redaction/secrets.ts'
import { DefinitionFields } from '../../model/server.ts'
import type { Entry } from '../../model/source.ts'
import { maxRosterHops, viaKey, rosterPathOf } from '../../model/via.ts'
import { isFields } from '../documents/entry.ts'

const known = () => Object.keys(DefinitionFields.unwrap().shape)

type Fields = Readonly<Record<string, unknown>>

export type TransferOptions = {
  /** What the far roster calls itself. */
  readonly far: string
  /** Whether an instance is this very registry. */
  readonly isOwnInstance: (instance: string) => boolean
  /** Whether the far roster's word on health is taken, instead of asking the servers ourselves. */
  readonly trustHealth: boolean
}

/** What identifies a server over there, if it is one. */
export function remoteIdOf(server: unknown): string | undefined {
  if (!isFields(server)) return undefined
  const { id } = server
  return typeof id === 'string' && id.length <= 512 ? id : undefined
}

/**
 * A server of another roster as an entry of ours: its definition, the rosters it has come through, and placeholders where
 * the other one hid a secret. What has been here before is a problem.
 */
export function toTransferredEntry(server: Fields, { far, isOwnInstance, trustHealth }: TransferOptions): Entry {
  const named = { name: textOf(server['name']), namespace: textOf(server['namespace']) }
  const place = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
  const metadata = isFields(server['metadata']) ? server['metadata'] : {}
  const via = [...rosterPathOf(metadata), far]
  if (via.some(isOwnInstance))
    return { ...place, problem: `has come from this very registry, by way of ${via.join(', ')}` }
  if (via.length > maxRosterHops) return { ...place, problem: `has come through more than ${maxRosterHops} rosters` }
  const definition = Object.fromEntries(
    known()
      .filter((field) => server[field] !== undefined)
      .map((field) => [field, server[field]]),
  )
  const value = { ...withPlaceholders(definition), metadata: { ...metadata, [viaKey]: via } }
  const reported = reportedBy(server, trustHealth)
  return {
    value: trustHealth ? { ...value, health_check: 'none' } : value,
    where: String(server['id']),
    ...(reported && { reported }),
  }
}

/** Of what cannot be asked from here either (an agent that only sends heartbeats), the far word is all there is. */
function reportedBy(server: Fields, trustHealth: boolean): ReportedHealth | undefined {
  if (!trustHealth && server['health_check'] !== 'none') return undefined
  const status = Status.safeParse(server['status'])
  if (!status.success || status.data === 'unknown') return undefined
  const health = isFields(server['health']) ? server['health'] : {}
  const reason = Reason.safeParse(health['reason'])
  const since = textOf(health['since'])
  return { status: status.data, ...(reason.success && { reason: reason.data }), ...(since !== undefined && { since }) }
}

const hidden = /<redacted>|%3Credacted%3E/gi

/** Each place where a secret was hidden, called after its server and its field: nobody is sent what is another's. */
function withPlaceholders(definition: Fields): Record<string, unknown> {
  const name = textOf(definition['name']) ?? ''

  function filled(value: unknown, part: string): unknown {
    if (typeof value === 'string') {
      const bare = value.replaceAll(`:-${redactedText}}`, '}')
      return bare.replaceAll(hidden, `\${${variableOf(name, part)}}`)
    }
    if (Array.isArray(value)) return value.map((one, index) => filled(one, `${part}_${index + 1}`))
    if (!isFields(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, key)]))
  }

  const fields = ['url', 'health_check_url', 'command', 'cwd', 'args', 'env', 'headers'].filter(
    (field) => definition[field] !== undefined,
  )
  return { ...definition, ...Object.fromEntries(fields.map((field) => [field, filled(definition[field], field)])) }
}

function variableOf(name: string, part: string): string {
  const variable = `${name}_${part}`.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')
  return /^\d/.test(variable) ? `_${variable}` : variable
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
