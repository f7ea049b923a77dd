import type { ReportedHealth } from '../../model/health.ts'
import { Status, Reason } from '../../model/health.ts'
import { redactedText } from '../../model/redaction/secrets.ts'
import { DefinitionFields, shownInterval } from '../../model/server.ts'
import type { Entry } from '../../model/source.ts'
import { maxRosterHops, viaKey, rosterPathOf } from '../../model/via.ts'
import { isFields } from '../documents/entry.ts'

const definitionFieldNames = () => Object.keys(DefinitionFields.unwrap().shape)

type Fields = Readonly<Record<string, unknown>>

export type TransferOptions = {
  /** Instance id of the remote roster. */
  readonly remoteInstance: string
  /** Whether an instance id is that of this registry. */
  readonly isOwnInstance: (instance: string) => boolean
  /** Whether to take the health from the remote roster instead of probing the servers. */
  readonly trustHealth: boolean
}

/** The id of a server of the remote roster; undefined if the value is not a server. */
export function remoteIdOf(server: unknown): string | undefined {
  if (!isFields(server)) return undefined
  const { id } = server
  return typeof id === 'string' && id.length <= 512 ? id : undefined
}

/**
 * Converts a server of another roster to an entry: its definition, the rosters that it passed through, and placeholders
 * for redacted secrets. A server that came from this registry becomes an entry with a problem.
 */
export function toTransferredEntry(
  server: Fields,
  { remoteInstance, isOwnInstance, trustHealth }: TransferOptions,
): Entry {
  const identity = { name: textOf(server['name']), namespace: textOf(server['namespace']) }
  const identityFields = Object.fromEntries(Object.entries(identity).filter(([, value]) => value !== undefined))
  const metadata = isFields(server['metadata']) ? server['metadata'] : {}
  const via = [...rosterPathOf(metadata), remoteInstance]
  if (via.some(isOwnInstance))
    return {
      ...identityFields,
      problem: `comes from this registry itself, by way of ${via.join(', ')}`,
      isExpected: true,
    }
  if (via.length > maxRosterHops)
    return { ...identityFields, problem: `passed through more than ${maxRosterHops} rosters` }
  const definition = Object.fromEntries(
    definitionFieldNames()
      .filter((field) => server[field] !== undefined && !isShownDefault(field, server[field]))
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

/** The remote roster shows the same where a definition names no interval: the interval of this roster applies. */
function isShownDefault(field: string, value: unknown): boolean {
  return field === 'health_check_interval' && value === shownInterval
}

/** The remote status. It is also taken for a server that cannot be probed, such as an agent that only sends heartbeats. */
function reportedBy(server: Fields, trustHealth: boolean): ReportedHealth | undefined {
  if (!trustHealth && server['health_check'] !== 'none') return undefined
  const status = Status.safeParse(server['status'])
  if (!status.success || status.data === 'unknown') return undefined
  const health = isFields(server['health']) ? server['health'] : {}
  const reason = Reason.safeParse(health['reason'])
  const since = textOf(health['since'])
  return { status: status.data, ...(reason.success && { reason: reason.data }), ...(since !== undefined && { since }) }
}

const redactedPattern = /<redacted>|%3Credacted%3E/gi

/** Replaces redacted secrets by placeholders named after server and field, so that no secret goes to another server. */
function withPlaceholders(definition: Fields): Record<string, unknown> {
  const name = textOf(definition['name']) ?? ''

  function replaceSecrets(value: unknown, part: string): unknown {
    if (typeof value === 'string') {
      const withoutDefaults = value.replaceAll(`:-${redactedText}}`, '}')
      return withoutDefaults.replaceAll(redactedPattern, `\${${variableName(name, part)}}`)
    }
    if (Array.isArray(value)) return value.map((item, index) => replaceSecrets(item, `${part}_${index + 1}`))
    if (!isFields(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceSecrets(item, key)]))
  }

  const fields = ['url', 'health_check_url', 'command', 'cwd', 'args', 'env', 'headers'].filter(
    (field) => definition[field] !== undefined,
  )
  return {
    ...definition,
    ...Object.fromEntries(fields.map((field) => [field, replaceSecrets(definition[field], field)])),
  }
}

function variableName(name: string, part: string): string {
  const variable = `${name}_${part}`.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')
  return /^\d/.test(variable) ? `_${variable}` : variable
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
