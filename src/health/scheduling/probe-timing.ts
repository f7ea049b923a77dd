import type { RegisteredServer } from '../../model/change.ts'
import type { ServerId } from '../../model/names.ts'
import { targetOf } from '../../model/target.ts'
import type { HealthConfig } from '../config.ts'
import type { Verdict } from '../evaluation/verdict.ts'
import type { ProbeTarget } from '../probe-target.ts'

/** Pause between the first probes of new targets, in ms: ten of them are probed within a second. */
const spreadMs = 100

/** Time that another member has for the first probe of a target and for telling its result, in ms. */
const substituteMs = 2000

/** Decides when targets are probed. All times are monotonic milliseconds. */
export function createProbeTiming({
  now,
  random,
  config,
  get,
}: {
  now: () => number
  random: () => number
  config: () => Pick<HealthConfig, 'interval' | 'commands'>
  get: (id: ServerId) => RegisteredServer | undefined
}) {
  let spreadEnd = 0

  /** When to probe a new target: a single one within `spreadMs`, a crowd spread over the interval. */
  function first(target: ProbeTarget): number {
    const intervalMs = intervalMsOf(target)
    const start = Math.max(spreadEnd, now())
    if (start - now() >= intervalMs) return now() + random() * intervalMs
    spreadEnd = start + spreadMs
    return start + random() * spreadMs
  }

  /** When to probe a new target that `members` others should have probed before: after all of them had their time. */
  function firstAfter(target: ProbeTarget, members: number): number {
    if (members === 0) return first(target)
    // They have as many new targets as this daemon, more or less.
    const crowdMs = Math.min(intervalMsOf(target), Math.max(0, spreadEnd - now()))
    return now() + members * (crowdMs + substituteMs * (1 + random() / 10))
  }

  /** When to probe again: after the interval with 10 % jitter; twice that for an unhealthy target, soon after a stall. */
  function next(
    target: ProbeTarget,
    { status, failures }: Verdict,
    { startedAt, stalled }: { startedAt: number; stalled: boolean },
  ): number {
    const intervalMs = intervalMsOf(target)
    if (stalled) return now() + (intervalMs * random()) / 10
    const factor = status === 'unhealthy' && failures > 0 ? 2 : 1
    return Math.max(now(), startedAt + intervalMs * factor * (0.9 + 0.2 * random()))
  }

  /** An earlier time where `due` is later than the interval of the target, or of one server, allows. */
  function earlier(due: number, target: ProbeTarget, server?: RegisteredServer): number | undefined {
    const intervalMs = server ? ownIntervalMs(server) : intervalMsOf(target)
    return due > now() + 2.2 * intervalMs ? now() + random() * intervalMs : undefined
  }

  /** The shortest interval of the target's servers. */
  function intervalMsOf({ ids }: ProbeTarget): number {
    let shortestMs = Number.POSITIVE_INFINITY
    for (const id of ids) {
      const registered = get(id)
      if (registered) shortestMs = Math.min(shortestMs, ownIntervalMs(registered))
    }
    return Number.isFinite(shortestMs) ? shortestMs : config().interval * 1000
  }

  function ownIntervalMs({ probeInterval, server }: RegisteredServer): number {
    const { interval, commands } = config()
    return (probeInterval ?? (targetOf(server).check === 'stdio' ? commands.interval : interval)) * 1000
  }

  return { firstAfter, next, earlier }
}
