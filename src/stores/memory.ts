import { randomUUID } from 'node:crypto'
import type { Log } from '../log.ts'
import { applyOperation } from './compare-and-set.ts'
import { registrationKey, type StoreDriver } from './driver.ts'
import { createMemoryEvents } from './memory-events.ts'
import { createStorePipeline } from './pipeline/store-pipeline.ts'
import type {
  OperationOutcome,
  StoredRegistration,
  Store,
  StoredHeartbeat,
  StoredSource,
  StoreOperation,
} from './store.ts'

/** A store that lives as long as the process and has no other writer. */
export function openMemory({ log }: { log: Log }): Store {
  return createStorePipeline({ type: 'memory', driver: createMemoryDriver(), log })
}

function createMemoryDriver(): StoreDriver {
  const epoch = randomUUID()
  const registrations = new Map<string, StoredRegistration>()
  const heartbeats = new Map<string, { readonly at: number; readonly report: string | undefined }>()
  const sources = new Map<string, StoredSource>()
  const events = createMemoryEvents()
  // Clients may hold versions from before a restart, and new ones must be greater.
  let version = Date.now() * 1000

  function execute(operation: StoreOperation): OperationOutcome {
    const key = registrationKey(operation)
    const next = { version: String(version + 1), now: new Date().toISOString() }
    const outcome = applyOperation(operation, registrations.get(key), next)
    if (outcome.type === 'put') registrations.set(key, outcome.registration)
    if (outcome.type === 'deleted') {
      registrations.delete(key)
      if (operation.kind === 'agent') heartbeats.delete(operation.name)
    }
    if (outcome.type === 'put' || outcome.type === 'deleted') version += 1
    return outcome
  }

  function writeHeartbeats(received: readonly StoredHeartbeat[]): void {
    const now = performance.now()
    for (const { name, age_ms, self_report: report } of received) {
      const at = now - age_ms
      if (registrations.has(`agent:${name}`) && at >= (heartbeats.get(name)?.at ?? -Infinity))
        heartbeats.set(name, { at, report })
    }
  }

  function allHeartbeats(): StoredHeartbeat[] {
    const now = performance.now()
    return [...heartbeats].map(([name, { at, report }]) => ({
      name,
      age_ms: now - at,
      ...(report !== undefined && { self_report: report }),
    }))
  }

  return {
    head: async () => ({ epoch, version: String(version) }),
    page: async (after) => ({
      registrations: after === undefined ? [...registrations.values()] : [],
      last: 'all',
    }),
    commit: async (operations) => operations.map(execute),
    writeHeartbeats: async (received) => writeHeartbeats(received),
    heartbeats: async () => allHeartbeats(),
    changesSince: async (cursor) => ({ compacted: false, cursor, changes: [] }),
    saveReadings: async (source, fingerprint, readings) =>
      void sources.set(source, { source, fingerprint, kept_at: new Date().toISOString(), readings }),
    readings: async () => [...sources.values()],
    // What the daemon has in memory anyway is not kept twice; nothing reads it before the next start.
    saveStatistics: async () => {},
    statistics: async () => [],
    appendEvents: async (added) => events.append(added),
    events: async (query) => events.select(query),
    pruneEvents: async (limits) => events.prune(limits),
    recover: async () => {},
    close: async () => {},
    pollMs: undefined,
  }
}
