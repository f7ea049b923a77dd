import { randomUUID } from 'node:crypto'
import type { Log } from '../log.ts'
import { applyOperation } from './compare-and-set.ts'
import { type StoreDriver, registrationKey } from './driver.ts'
import { createStorePipeline } from './pipeline/store-pipeline.ts'
import type { StoredHeartbeat, StoredSource, StoreOperation, OperationOutcome, Registration, Store } from './store.ts'

/** Keeps everything for as long as the process lives. Nobody else can write to it. */
export function openMemory({ log }: { log: Log }): Store {
  return createStorePipeline({ type: 'memory', backend: createMemoryDriver(), log })
}

function createMemoryDriver(): StoreDriver {
  const epoch = randomUUID()
  const registrations = new Map<string, Registration>()
  const beats = new Map<string, { readonly at: number; readonly said: string | undefined }>()
  const kept = new Map<string, StoredSource>()
  // Clients may hold versions from before a restart: new ones must be greater.
  let version = Date.now() * 1000

  function carryOut(operation: StoreOperation): OperationOutcome {
    const key = registrationKey(operation)
    const next = { version: String(version + 1), now: new Date().toISOString() }
    const outcome = applyOperation(operation, registrations.get(key), next)
    if (outcome.type === 'put') registrations.set(key, outcome.registration)
    if (outcome.type === 'deleted') {
      registrations.delete(key)
      if (operation.kind === 'agent') beats.delete(operation.name)
    }
    if (outcome.type !== 'conflict') version += 1
    return outcome
  }

  function writeBeats(heard: readonly StoredHeartbeat[]): void {
    const now = performance.now()
    for (const { name, age_ms, self_report: said } of heard) {
      const at = now - age_ms
      if (registrations.has(`agent:${name}`) && at >= (beats.get(name)?.at ?? -Infinity)) beats.set(name, { at, said })
    }
  }

  function allBeats(): StoredHeartbeat[] {
    const now = performance.now()
    return [...beats].map(([name, { at, said }]) => ({
      name,
      age_ms: now - at,
      ...(said !== undefined && { self_report: said }),
    }))
  }

  return {
    head: async () => ({ epoch, version: String(version) }),
    page: async (after) => ({
      registrations: after === undefined ? [...registrations.values()] : [],
      last: 'all',
    }),
    commit: async (operations) => operations.map(carryOut),
    writeHeartbeats: async (heard) => writeBeats(heard),
    heartbeats: async () => allBeats(),
    changesSince: async (cursor) => ({ compacted: false, cursor, changes: [] }),
    saveReadings: async (source, fingerprint, readings) =>
      void kept.set(source, { source, fingerprint, kept_at: new Date().toISOString(), readings }),
    readings: async () => [...kept.values()],
    recover: async () => {},
    close: async () => {},
    pollMs: undefined,
  }
}
