import type { Log } from '../../log.ts'
import { rejectionReason, textProblem } from '../compare-and-set.ts'
import { type StoreDriver, type ChangeCursor, registrationKey, type ChangeBatch } from '../driver.ts'
import {
  type StoreOperation,
  type OperationOutcome,
  type StoreSnapshot,
  type Registration,
  type Store,
  StoreRefusal,
  type StoreType,
} from '../store.ts'
import { followChanges } from './change-follower.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'
import { createGroupCommit } from './group-commit.ts'
import { createHeartbeatBuffer } from './heartbeat-buffer.ts'

const drainMs = 5000

/** Makes a store of a backend: queueing, patience, buffered heartbeats and following are the same for all of them. */
export function createStorePipeline({
  type,
  backend,
  log,
}: {
  type: StoreType
  backend: StoreDriver
  log: Log
}): Store {
  const counted = { commits: 0, operations: 0, conflicts: 0 }
  const pokes = new Set<() => void>()
  let shortest = Infinity

  const patience = createCircuitBreaker({ mend: backend.recover, onUp: resume, log })
  const beats = createHeartbeatBuffer({
    write: (heard) => patience.attempt(() => backend.writeHeartbeats(heard)),
    isUp: patience.isUp,
    onDrop: (err, count) => log.error({ err, count }, 'heartbeats could not be stored and are dropped'),
  })
  const group = createGroupCommit((operations) => patience.attempt(() => backend.commit(operations)))
  const stopHearing = backend.onNotify?.(pokeAll)

  function pokeAll(): void {
    for (const poke of pokes) poke()
  }

  function resume(): void {
    pokeAll()
    void beats.flush()
  }

  async function commit(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    if (operations.length === 0) return []
    for (const operation of operations) noteLease(operation)
    const refusals = operations.map(rejectionReason)
    const fit = operations.filter((_, index) => refusals[index] === undefined)
    const done = fit.length === 0 ? [] : await group.commit(fit)
    count(done)
    if (fit.length === operations.length) return done
    let next = 0
    return refusals.map((reason) => (reason === undefined ? done[next++]! : { type: 'rejected', reason }))
  }

  function count(outcomes: readonly OperationOutcome[]): void {
    counted.commits += 1
    counted.operations += outcomes.length
    for (const { type } of outcomes) if (type === 'conflict') counted.conflicts += 1
  }

  /** The shortest lease says how often to look for what other replicas heard. */
  function noteLease(from: Pick<Registration, 'lease'> | StoreOperation): void {
    const timeout = 'lease' in from ? from.lease?.timeout : undefined
    if (timeout !== undefined && timeout < shortest) shortest = timeout
  }

  async function load(): Promise<StoreSnapshot> {
    const { epoch, version } = await patience.attempt(backend.head)
    const registrations = new Map<string, Registration>()
    for (let after: string | undefined; ;) {
      const page = await patience.attempt(() => backend.page(after))
      if (page.registrations.length === 0) break
      for (const registration of page.registrations) registrations.set(registrationKey(registration), registration)
      after = page.last
    }
    for (const registration of registrations.values()) noteLease(registration)
    const heard = await patience.attempt(backend.heartbeats)
    return { epoch, resource_version: version, registrations: [...registrations.values()], heartbeats: heard }
  }

  async function look(cursor: ChangeCursor): Promise<ChangeBatch> {
    const found = await patience.attempt(() => backend.changesSince(cursor))
    if (!found.compacted) for (const one of found.changes) if (one.type === 'put') noteLease(one.registration)
    return found
  }

  function periodMs(): number | undefined {
    return backend.pollMs === undefined ? undefined : Math.max(100, Math.min(backend.pollMs, (shortest * 1000) / 6))
  }

  async function close(): Promise<void> {
    await Promise.race([group.idle().then(beats.flush), timePasses(drainMs)])
    stopHearing?.()
    beats.close()
    patience.close()
    pokeAll()
    await backend.close()
  }

  let closing: Promise<void> | undefined
  return {
    type,
    load,
    commit,
    recordHeartbeats: (heard) =>
      beats.add(
        heard.filter(
          ({ name, self_report: said }) => !textProblem('name', name, 253) && !textProblem('said', said, 1024),
        ),
      ),
    changes: ({ since, signal }) =>
      followChanges({
        since,
        signal,
        look,
        load,
        periodMs,
        onError: (err) => log.error({ err }, 'cannot see what other replicas wrote'),
        onPoke: (poke) => {
          pokes.add(poke)
          return () => void pokes.delete(poke)
        },
      }),
    saveReadings: async (source, fingerprint, readings) => {
      for (const { origin, reading } of readings) {
        const refused = textProblem('origin', origin, 8192) ?? textProblem('reading', reading, 8 * 1024 * 1024)
        if (refused !== undefined) throw new StoreRefusal(`a reading of ${source} cannot be kept: ${refused}`)
      }
      await patience.attempt(() => backend.saveReadings(source, fingerprint, readings))
    },
    readings: () => patience.attempt(backend.readings),
    state: () => ({
      ...patience.state(),
      pending: { operations: group.waiting(), heartbeats: beats.waiting() },
      counters: {
        ...counted,
        heartbeats: beats.counted.beats,
        dropped_heartbeats: beats.counted.dropped,
        failures: patience.failures(),
      },
    }),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}

function timePasses(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
