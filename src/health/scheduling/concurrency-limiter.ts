import type { HealthConfig } from '../config.ts'
import type { ProbeTarget } from '../probe-target.ts'

/**
 * Decides which target is probed next, within the limits on all probes and on those to one host.
 *
 * Slow targets get at most half of the slots, so that thousands of dead targets, each waiting for its deadline, do not
 * delay the living.
 */
export function createConcurrencyLimiter({
  limits,
  isSlow,
}: {
  limits: () => Pick<HealthConfig, 'max_concurrency' | 'max_concurrency_per_host'>
  /** Whether the target may take its whole deadline. */
  isSlow: (target: ProbeTarget) => boolean
}) {
  /** Targets ready to run, in order of precedence: targets that waited for their host come before others. */
  const ready = [
    { slow: false, unparked: true, queue: new Set<ProbeTarget>() },
    { slow: false, unparked: false, queue: new Set<ProbeTarget>() },
    { slow: true, unparked: true, queue: new Set<ProbeTarget>() },
    { slow: true, unparked: false, queue: new Set<ProbeTarget>() },
  ]
  /** Targets whose host is at its limit, by host. */
  const parked = new Map<string, Set<ProbeTarget>>()
  const runningByHost = new Map<string, number>()
  let running = 0
  let runningSlow = 0

  function offer(target: ProbeTarget, unparked = false): void {
    const slow = isSlow(target)
    ready.find((line) => line.slow === slow && line.unparked === unparked)?.queue.add(target)
  }

  /** Takes a slot for the next target; undefined when none may run. */
  function take(): ProbeTarget | undefined {
    const { max_concurrency, max_concurrency_per_host } = limits()
    for (const { slow, queue } of ready) {
      for (const target of queue) {
        if (running >= max_concurrency || (slow && runningSlow >= Math.floor(max_concurrency / 2))) break
        queue.delete(target)
        if ((runningByHost.get(target.host) ?? 0) < max_concurrency_per_host) {
          occupy(target)
          return target
        }
        park(target)
      }
    }
    return undefined
  }

  function park(target: ProbeTarget): void {
    const waiting = parked.get(target.host) ?? new Set()
    waiting.add(target)
    parked.set(target.host, waiting)
  }

  /** Takes a slot without queueing, even above the limits. */
  function occupy(target: ProbeTarget): void {
    running++
    if (isSlow(target)) runningSlow++
    runningByHost.set(target.host, (runningByHost.get(target.host) ?? 0) + 1)
  }

  /** Frees a slot; `wasSlow`: the result of `isSlow` when it was taken. */
  function release({ host }: ProbeTarget, wasSlow: boolean): void {
    running--
    if (wasSlow) runningSlow--
    const remaining = (runningByHost.get(host) ?? 1) - 1
    if (remaining > 0) runningByHost.set(host, remaining)
    else runningByHost.delete(host)
    unparkNext(host)
  }

  function unparkNext(host: string): void {
    const [next] = parked.get(host) ?? []
    if (!next) return
    unpark(next)
    offer(next, true)
  }

  /** Makes all parked targets ready again, as when the limits have changed. */
  function unparkAll(): void {
    const waiting = [...parked.values()]
    parked.clear()
    for (const targets of waiting) for (const target of targets) offer(target, true)
  }

  function unpark(target: ProbeTarget): void {
    const waiting = parked.get(target.host)
    waiting?.delete(target)
    if (waiting?.size === 0) parked.delete(target.host)
  }

  function withdraw(target: ProbeTarget): void {
    unpark(target)
    // If it was unparked instead of another target, that one is next.
    if (ready.some(({ queue }) => queue.delete(target))) unparkNext(target.host)
  }

  function waiting(): number {
    let count = 0
    for (const { queue } of ready) count += queue.size
    for (const targets of parked.values()) count += targets.size
    return count
  }

  /** Whether the target waits for a slot. */
  const isWaiting = (target: ProbeTarget) =>
    ready.some(({ queue }) => queue.has(target)) || parked.get(target.host)?.has(target) === true

  return { offer, isWaiting, take, occupy, release, withdraw, unparkAll, waiting, running: () => running }
}
export type ConcurrencyLimiter = ReturnType<typeof createConcurrencyLimiter>
