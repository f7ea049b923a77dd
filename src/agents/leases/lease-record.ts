import type { ReceivedHeartbeat, StoredHeartbeat, StoredLease } from '../../stores/store.ts'
import type { HeartbeatHistory, Lease, SelfReportedStatus } from './lease.ts'

/** What the store keeps with the last heartbeat of an agent whose lease has lapsed: it is unhealthy, or offline. */
const lapses = { unhealthy: 'lapsed', offline: 'evicted' } as const

/**
 * Added to the time of the last heartbeat when a lapse is recorded, in ms: the store keeps the newer record, and two clocks
 * differ by a little.
 */
const lapseOffsetMs = 250

/** The stored heartbeat that says what an agent reports of itself; `healthy` is not stored. */
export function heartbeatRecord(
  id: string,
  timeout: number,
  status: SelfReportedStatus = 'healthy',
): ReceivedHeartbeat {
  return { name: id, age_ms: 0, timeout, ...(status !== 'healthy' && { self_report: status }) }
}

/** The last heartbeat of a lapsed lease, as the store has to keep it; undefined for an agent without a heartbeat. */
export function lapseRecord({ id, status, lastHeartbeatAt }: Lease): ReceivedHeartbeat | undefined {
  if (lastHeartbeatAt === undefined || (status !== 'unhealthy' && status !== 'offline')) return undefined
  return {
    name: id,
    age_ms: Math.max(0, Date.now() - lastHeartbeatAt - lapseOffsetMs),
    // Stored at once: after a crash before that, nothing says that the agent was silent while a daemon was there.
    timeout: 0,
    self_report: lapses[status],
  }
}

/** The status in a stored heartbeat; undefined where it records a lapse, which each replica notices by itself. */
export function selfReportIn({
  self_report: report,
}: Pick<StoredHeartbeat, 'self_report'>): SelfReportedStatus | undefined {
  if (report === lapses.unhealthy || report === lapses.offline) return undefined
  return report === 'degraded' || report === 'unhealthy' || report === 'offline' ? report : 'healthy'
}

/**
 * How long no daemon can have received heartbeats before this moment, in ms: silence of that time does not count.
 *
 * Any heartbeat shows that one was there, and a recorded lapse that one was there until the lapse.
 */
export function downtimeMs(
  heartbeats: readonly StoredHeartbeat[],
  leaseOf: (id: string) => Pick<StoredLease, 'timeout' | 'eviction'> | undefined,
): number {
  return heartbeats.reduce(
    (min, heartbeat) => Math.min(min, heartbeat.age_ms - lapseMs(heartbeat, leaseOf(heartbeat.name))),
    Infinity,
  )
}

/**
 * The heartbeats of an agent before a restart. A lapsed lease stays so; one that ran when the last daemon stopped gets a
 * full interval.
 */
export function historyOf(
  heartbeat: StoredHeartbeat | undefined,
  lease: Pick<StoredLease, 'timeout' | 'eviction'> | undefined,
  downtime: number,
): HeartbeatHistory {
  if (!heartbeat) return { hasHeartbeat: false, silentMs: 0 }
  const silentMs = Math.max(heartbeat.age_ms - downtime, lapseMs(heartbeat, lease))
  return {
    hasHeartbeat: true,
    silentMs: silentMs < (lease?.timeout ?? defaultTimeout) * 1000 ? 0 : silentMs,
    selfReportedStatus: selfReportIn(heartbeat) ?? 'healthy',
    lastHeartbeatAt: Date.now() - heartbeat.age_ms,
  }
}

/** In seconds, for a registration without a lease. */
const defaultTimeout = 60

/** The silence that a recorded lapse stands for, in ms; 0 for any other heartbeat. */
function lapseMs(
  { self_report: report }: StoredHeartbeat,
  { timeout, eviction }: Pick<StoredLease, 'timeout' | 'eviction'> = {
    timeout: defaultTimeout,
    eviction: 2 * defaultTimeout,
  },
): number {
  if (report === lapses.offline) return eviction * 1000
  return report === lapses.unhealthy ? timeout * 1000 : 0
}
