import type { Log } from '../../log.ts'
import { eventProblem, memberProblem, rejectionReason, textProblem } from '../compare-and-set.ts'
import { type ChangeBatch, type ChangeCursor, registrationKey, type StoreDriver } from '../driver.ts'
import type { EventFilter } from '../event.ts'
import type { JoiningMember, MemberTable } from '../member.ts'
import {
  type OperationOutcome,
  type StoredRegistration,
  type Store,
  type StoreOperation,
  StoreRefusal,
  type StoreSnapshot,
  type StoreType,
} from '../store.ts'
import type { NewestBatch, VerdictLog } from '../verdict.ts'
import { followChanges } from './change-follower.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'
import { createGroupCommit } from './group-commit.ts'
import { createHeartbeatBuffer } from './heartbeat-buffer.ts'
import { guardedVerdicts } from './verdict-follower.ts'

/** Maximum time that closing waits for pending writes. */
const maxDrainMs = 5000

/** Makes a store of a driver: adds group commit, circuit breaker, heartbeat buffer and change following. */
export function createStorePipeline({ type, driver, log }: { type: StoreType; driver: StoreDriver; log: Log }): Store {
  const counters = { commits: 0, operations: 0, conflicts: 0 }
  const followers = { changes: new Set<() => void>(), verdicts: new Set<() => void>() }
  /** When what other daemons wrote was last read, by the monotonic clock. */
  const readAt = { changes: performance.now(), verdicts: performance.now() }
  let minTimeout = Infinity
  let outages = 0

  const breaker = createCircuitBreaker({ recover: driver.recover, onUp: resume, log })
  const buffer = createHeartbeatBuffer({
    write: (heartbeats) => breaker.attempt(() => driver.writeHeartbeats(heartbeats)),
    isUp: breaker.isUp,
    onDrop: (err, count) => log.error({ err, count }, 'heartbeats dropped: the store rejected them'),
  })
  const group = createGroupCommit((operations) => breaker.attempt(() => driver.commit(operations)))
  const stopNotifications = driver.onNotify?.(wakeFollowers)

  function wakeFollowers(written?: keyof typeof followers): void {
    if (written !== 'verdicts') for (const wake of followers.changes) wake()
    if (written !== 'changes') for (const wake of followers.verdicts) wake()
  }

  /** Registers a function that wakes a follower; returns how to remove it. */
  function onWake(written: keyof typeof followers, wake: () => void): () => void {
    followers[written].add(wake)
    return () => void followers[written].delete(wake)
  }

  function resume(): void {
    outages += 1
    wakeFollowers()
    void buffer.flush()
  }

  async function commit(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    if (operations.length === 0) return []
    for (const operation of operations) trackTimeout(operation)
    const reasons = operations.map(rejectionReason)
    const valid = operations.filter((_, index) => reasons[index] === undefined)
    const outcomes = valid.length === 0 ? [] : await group.commit(valid)
    count(outcomes)
    if (valid.length === operations.length) return outcomes
    let next = 0
    return reasons.map((reason) => (reason === undefined ? outcomes[next++]! : { type: 'rejected', reason }))
  }

  function count(outcomes: readonly OperationOutcome[]): void {
    const written = outcomes.filter(({ type }) => type !== 'confirmed').length
    if (written > 0) counters.commits += 1
    counters.operations += written
    for (const { type } of outcomes) if (type === 'conflict') counters.conflicts += 1
  }

  /** The shortest lease determines how often heartbeats of other replicas are read. */
  function trackTimeout(from: Pick<StoredRegistration, 'lease'> | StoreOperation): void {
    const timeout = 'lease' in from ? from.lease?.timeout : undefined
    if (timeout !== undefined && timeout < minTimeout) minTimeout = timeout
  }

  async function load(): Promise<StoreSnapshot> {
    const { epoch, version } = await breaker.attempt(driver.head)
    const registrations = new Map<string, StoredRegistration>()
    for (let after: string | undefined; ;) {
      const page = await breaker.attempt(() => driver.page(after))
      if (page.registrations.length === 0) break
      for (const registration of page.registrations) registrations.set(registrationKey(registration), registration)
      after = page.last
    }
    for (const registration of registrations.values()) trackTimeout(registration)
    const heartbeats = await breaker.attempt(driver.heartbeats)
    return { epoch, resource_version: version, registrations: [...registrations.values()], heartbeats }
  }

  async function readChanges(cursor: ChangeCursor): Promise<ChangeBatch> {
    const askedAt = performance.now()
    const batch = await breaker.attempt(() => driver.changesSince(cursor))
    readAt.changes = askedAt
    if (!batch.compacted) {
      for (const change of batch.changes) if (change.type === 'put') trackTimeout(change.registration)
    }
    return batch
  }

  async function newestVerdict(log: VerdictLog): Promise<NewestBatch> {
    const askedAt = performance.now()
    const newest = await log.newest()
    readAt.verdicts = askedAt
    return newest
  }

  function lagMs(): number {
    return performance.now() - Math.min(readAt.changes, driver.verdicts ? readAt.verdicts : Infinity)
  }

  function periodMs(): number | undefined {
    return driver.pollMs === undefined ? undefined : Math.max(100, Math.min(driver.pollMs, (minTimeout * 1000) / 6))
  }

  async function close(): Promise<void> {
    await Promise.race([group.idle().then(buffer.flush), timeout(maxDrainMs)])
    stopNotifications?.()
    buffer.close()
    breaker.close()
    wakeFollowers()
    await driver.close()
  }

  let closing: Promise<void> | undefined
  return {
    type,
    load,
    commit,
    recordHeartbeats: (heartbeats) =>
      buffer.add(
        heartbeats.filter(
          ({ name, self_report }) => !textProblem('name', name, 253) && !textProblem('self_report', self_report, 1024),
        ),
      ),
    changes: ({ since, signal }) =>
      followChanges({
        since,
        signal,
        readChanges,
        load,
        outages: () => outages,
        periodMs,
        onError: (err) => log.error({ err }, 'reading changes of other replicas failed'),
        onWake: (wake) => onWake('changes', wake),
      }),
    saveReadings: async (source, fingerprint, readings) => {
      for (const { origin, reading } of readings) {
        const problem = textProblem('origin', origin, 8192) ?? textProblem('reading', reading, 8 * 1024 * 1024)
        if (problem !== undefined) throw new StoreRefusal(`cannot store a reading of ${source}: ${problem}`)
      }
      await breaker.attempt(() => driver.saveReadings(source, fingerprint, readings))
    },
    readings: () => breaker.attempt(driver.readings),
    appendEvents: async (events) => {
      for (const event of events) {
        const problem = eventProblem(event)
        if (problem !== undefined) throw new StoreRefusal(`cannot store an event: ${problem}`)
      }
      if (events.length > 0) await breaker.attempt(() => driver.appendEvents(events))
    },
    events: (query) => breaker.attempt(() => driver.events({ ...query, filter: storableFilter(query.filter) })),
    pruneEvents: async (limits, fence) => {
      while ((await breaker.attempt(() => driver.pruneEvents(limits, fence))) > 0);
    },
    pruneDeletions: async (fence) => {
      if (driver.pruneDeletions) await breaker.attempt(async () => driver.pruneDeletions?.(fence))
    },
    members: driver.members && guardedMembers(driver.members, breaker.attempt),
    verdicts:
      driver.verdicts &&
      guardedVerdicts(
        { ...driver.verdicts, newest: () => newestVerdict(driver.verdicts!) },
        {
          attempt: breaker.attempt,
          onWake: (wake) => onWake('verdicts', wake),
          onError: (err) => log.error({ err }, 'reading the verdicts of other replicas failed'),
        },
      ),
    saveStatistics: async (saved, removed) => {
      for (const { server, statistics } of saved) {
        const problem = textProblem('server', server, 320) ?? textProblem('statistics', statistics, 64 * 1024)
        if (problem !== undefined) throw new StoreRefusal(`cannot store statistics: ${problem}`)
      }
      if (saved.length + removed.length > 0) await breaker.attempt(() => driver.saveStatistics(saved, removed))
    },
    statistics: (after) => breaker.attempt(() => driver.statistics(after)),
    state: () => ({
      ...breaker.state(),
      ...(driver.members && { lagMs: lagMs() }),
      pending: { operations: group.pending(), heartbeats: buffer.pending() },
      counters: {
        ...counters,
        heartbeats: buffer.counters.written,
        dropped_heartbeats: buffer.counters.dropped,
        failures: breaker.failures(),
      },
    }),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}

/** The members of a store that may be down; a text that it cannot hold never reaches it. */
function guardedMembers(table: MemberTable, attempt: <T>(work: () => Promise<T>) => Promise<T>): MemberTable {
  async function storable<T>(member: JoiningMember, work: () => Promise<T>): Promise<T> {
    const problem = memberProblem(member)
    if (problem !== undefined) throw new StoreRefusal(`cannot store a member: ${problem}`)
    return await attempt(work)
  }
  return {
    join: (member) => storable(member, () => table.join(member)),
    renew: (member) => storable(member, () => table.renew(member)),
    leave: (fence) => attempt(() => table.leave(fence)),
  }
}

/** No stored event has a text that a database rejects, so such a filter selects nothing. */
function storableFilter(filter: EventFilter): EventFilter {
  const texts = Object.values(filter)
    .flat()
    .filter((value) => typeof value === 'string')
  return texts.every((text) => textProblem('filter', text, Infinity) === undefined) ? filter : { namespaces: [] }
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
