import type { ProbeTarget } from '../probe-target.ts'

/** How many probes may be under way: at all, and to one host. */
export type Width = { readonly max_concurrency: number; readonly max_concurrency_per_host: number }

/**
 * Who is probed next. At most half of the slots go to those that failed last time, so that thousands of dead targets,
 * each waiting for its deadline, do not hold up the living.
 */
export function createConcurrencyLimiter({ width }: { width: () => Width }) {
  /** Who may go, best first: those whose host was busy have waited longest. */
  const ready = [
    { slow: false, parked: true, queue: new Set<ProbeTarget>() },
    { slow: false, parked: false, queue: new Set<ProbeTarget>() },
    { slow: true, parked: true, queue: new Set<ProbeTarget>() },
    { slow: true, parked: false, queue: new Set<ProbeTarget>() },
  ]
  /** Those whose host is busy, by host. */
  const parked = new Map<string, Set<ProbeTarget>>()
  const busy = new Map<string, number>()
  let running = 0
  let slow = 0

  function offer(subject: ProbeTarget, parked = false): void {
    const slow = isSlow(subject)
    ready.find((line) => line.slow === slow && line.parked === parked)?.queue.add(subject)
  }

  /** Takes who comes next into a slot; undefined while none may. */
  function take(): ProbeTarget | undefined {
    const { max_concurrency, max_concurrency_per_host } = width()
    for (const { slow: limited, queue } of ready) {
      for (const subject of queue) {
        if (running >= max_concurrency || (limited && slow >= Math.floor(max_concurrency / 2))) break
        queue.delete(subject)
        if ((busy.get(subject.host) ?? 0) < max_concurrency_per_host) {
          occupy(subject)
          return subject
        }
        park(subject)
      }
    }
    return undefined
  }

  function park(subject: ProbeTarget): void {
    const waiting = parked.get(subject.host) ?? new Set()
    waiting.add(subject)
    parked.set(subject.host, waiting)
  }

  /** Counts a probe that nobody had to wait for, too. */
  function occupy(subject: ProbeTarget): void {
    running++
    if (isSlow(subject)) slow++
    busy.set(subject.host, (busy.get(subject.host) ?? 0) + 1)
  }

  /** Gives back what `occupy` took; `wasSlow` as it was then. */
  function release({ host }: ProbeTarget, wasSlow: boolean): void {
    running--
    if (wasSlow) slow--
    const left = (busy.get(host) ?? 1) - 1
    if (left > 0) busy.set(host, left)
    else busy.delete(host)
    callNext(host)
  }

  function callNext(host: string): void {
    const [next] = parked.get(host) ?? []
    if (!next) return
    unpark(next)
    offer(next, true)
  }

  /** Calls all who wait for their host, as when it may have more at once than before. */
  function callAll(): void {
    const waiting = [...parked.values()]
    parked.clear()
    for (const subjects of waiting) for (const subject of subjects) offer(subject, true)
  }

  function unpark(subject: ProbeTarget): void {
    const waiting = parked.get(subject.host)
    waiting?.delete(subject)
    if (waiting?.size === 0) parked.delete(subject.host)
  }

  function withdraw(subject: ProbeTarget): void {
    unpark(subject)
    // It may have been called in the place of others.
    if (ready.some(({ queue }) => queue.delete(subject))) callNext(subject.host)
  }

  function waiting(): number {
    let all = 0
    for (const { queue } of ready) all += queue.size
    for (const subjects of parked.values()) all += subjects.size
    return all
  }

  return { offer, take, occupy, release, withdraw, callAll, waiting, running: () => running }
}
export type ConcurrencyLimiter = ReturnType<typeof createConcurrencyLimiter>

/** Whether it may well take its whole deadline: it failed last time, or was in no hurry. */
export function isSlow({ verdict, deferred }: ProbeTarget): boolean {
  return deferred || verdict.failures > 0
}
