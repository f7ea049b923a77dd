import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** JSON of a daemon's endpoint; throws for any status but 2xx. */
export async function json<T>(url: string): Promise<T> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as T
}

export async function totalOf(url: string, filter = ''): Promise<number> {
  return (await json<{ total: number }>(`${url}/servers?limit=1${filter}`)).total
}

export async function until(seen: () => Promise<boolean>, everyMs = 20, maxMs = 120_000): Promise<void> {
  const late = performance.now() + maxMs
  while (!(await seen())) {
    if (performance.now() > late) throw new Error(`condition not met within ${maxMs} ms`)
    await pause(everyMs)
  }
}

/** Waits until the daemon is ready and idle for a while. */
export async function settled(url: string, ms = 3000): Promise<void> {
  await until(async () => (await fetch(`${url}/ready`)).status === 200, 50)
  await pause(ms)
}

/** Resident memory of a process in MB. */
export function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Event-loop delays since the last call, in ms, sampled every 10 ms. */
export async function loopDelays(url: string): Promise<{ longest: number; p99: number }> {
  const answer = await fetch(`${url}/metrics`)
  if (!answer.ok) throw new Error(`${url}/metrics answered ${answer.status}`)
  const text = await answer.text()
  const of = (name: string) => {
    const seconds = new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)`, 'm').exec(text)?.[1]
    if (seconds === undefined) throw new Error(`${url}/metrics lacks the event-loop delay`)
    return Math.max(0, Number(seconds) * 1000 - 10)
  }
  return { longest: of('max'), p99: of('p99') }
}
