import type {
  RegistrationKey,
  RegistrationKind,
  StoredHeartbeat,
  StoredLease,
  StoredReading,
  StoredRegistration,
  StoredSource,
  StoredStatistics,
} from '../store.ts'
import type { NewestBatch, ReadVerdict } from '../verdict.ts'

export type SqlRow = Record<string, unknown>

/** Reads a registration from its row; times are milliseconds. */
export function registrationFromRow(row: SqlRow): StoredRegistration {
  const lease = leaseFromRow(row)
  return {
    kind: row['kind'] as RegistrationKind,
    namespace: String(row['namespace']),
    name: String(row['name']),
    definition: String(row['definition']),
    ...(lease && { lease }),
    resource_version: String(row['version']),
    created_at: toTimestamp(row['created_at']),
    updated_at: toTimestamp(row['updated_at']),
  }
}

function leaseFromRow(row: SqlRow): StoredLease | undefined {
  if (row['timeout_threshold'] === null) return undefined
  return {
    timeout: Number(row['timeout_threshold']),
    eviction: Number(row['eviction_threshold']),
    ...(row['instance_id'] !== null && { instance_id: row['instance_id'] as string }),
    ...(row['holder'] !== null && { holder: row['holder'] as string }),
  }
}

/** Converts milliseconds since 1970, as a number or as text, to RFC 3339. */
export function toTimestamp(ms: unknown): string {
  return new Date(Number(ms)).toISOString()
}

/** The values of a registration except its version, in the order of `registrationColumns`. */
export function columnValues(registration: StoredRegistration): (string | number | null)[] {
  const { kind, namespace, name, definition, lease, created_at, updated_at } = registration
  return [
    kind,
    kind === 'agent' ? name : `${namespace}/${name}`,
    namespace,
    name,
    definition,
    lease?.timeout ?? null,
    lease?.eviction ?? null,
    lease?.instance_id ?? null,
    lease?.holder ?? null,
    Date.parse(created_at),
    Date.parse(updated_at),
  ]
}

/** The columns of a registration except its version. */
export const registrationColumns =
  'kind, id, namespace, name, definition, timeout_threshold, eviction_threshold, instance_id, holder, created_at, updated_at'

export function keyFromRow({ kind, namespace, name }: SqlRow): RegistrationKey {
  return { kind: kind as RegistrationKind, namespace: String(namespace), name: String(name) }
}

export function heartbeatFromRow({ name, age_ms, said }: SqlRow): StoredHeartbeat {
  return {
    name: String(name),
    age_ms: Math.max(0, Number(age_ms)),
    ...(said !== null && { self_report: said as string }),
  }
}

export function sourcesFromRows(rows: readonly SqlRow[]): StoredSource[] {
  const sources = new Map<string, Omit<StoredSource, 'readings'> & { readings: StoredReading[] }>()
  for (const { source, fingerprint, kept_at, origin, reading } of rows) {
    const name = String(source)
    const stored = sources.get(name) ?? {
      source: name,
      fingerprint: String(fingerprint),
      kept_at: toTimestamp(kept_at),
      readings: [],
    }
    sources.set(name, stored)
    if (typeof origin === 'string') stored.readings.push({ origin, reading: String(reading) })
  }
  return [...sources.values()]
}

export function statisticsFromRow({ server, statistics }: SqlRow): StoredStatistics {
  return { server: String(server), statistics: String(statistics) }
}

/** The keys of `roster_meta` that tell the last batch of verdicts and the history in which it has its number. */
export const verdictMetaKeys = "('verdict', 'epoch', 'lineage')"

export function newestBatch(meta: ReadonlyMap<string, string>): NewestBatch {
  return { batch: meta.get('verdict') ?? '0', history: `${meta.get('epoch')} ${meta.get('lineage')}` }
}

export function verdictFromRow({ target, batch, prober, verdict, checks }: SqlRow): ReadVerdict {
  return {
    target: String(target),
    batch: String(batch),
    prober: String(prober),
    verdict: String(verdict),
    checks: String(checks),
  }
}
