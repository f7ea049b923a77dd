import { setTimeout } from 'node:timers/promises'
import { beatMade, registerAgents } from '../builders.ts'
import { sendAll } from '../burst.ts'
import { json, residentMb, settled } from '../daemon-requests.ts'
import { quantile, ratioOf, rounded } from '../figures.ts'
import type { Row } from '../row.ts'
import { sameBytes, timesOver } from './filters.ts'

const many = 100_000

const byCapability: Row = {
  name: 'capability query over 100,000 agents (100 matches)',
  goal: 'p99 ≤ 5 ms',
  reaches: (value) => value <= 5,
  async measure(bench) {
    const daemon = await bench.daemon([])
    await settled(daemon.url, 200)
    const registered = await registerAgents(daemon.url, many)
    const { count } = await json<{ count: number }>(`${daemon.url}/agents?capability=capability-7`)
    if (count !== many / 1000) throw new Error(`${count} agents have the capability`)
    const kinds: [string, (n: number) => string][] = [
      ['agents', (n) => `/agents?capability=capability-${n % 1000}`],
      ['capabilities', (n) => `/capabilities?name=capability-${n % 1000}&exact=true`],
      ['servers', (n) => `/servers?capability=capability-${n % 1000}&label_selector=!never-${n}`],
    ]
    const detail: Record<string, number> = {}
    let worst = 0
    for (const [name, path] of kinds) {
      const times = await timesOver(daemon.url, path, 300 * bench.seconds)
      detail[`${name}_p50`] = rounded(quantile(times, 0.5))
      detail[`${name}_p99`] = rounded(quantile(times, 0.99))
      worst = Math.max(worst, quantile(times, 0.99))
      const bare = await sameBytes(bench, daemon.url + path(7))
      detail[`${name}_bare_p99`] = rounded(quantile(await timesOver(bare.url, path, 300 * bench.seconds), 0.99))
      await bare.stop()
    }
    const perSecond = Math.round(many / (registered.ms / 1000))
    return {
      value: worst,
      unit: 'ms',
      detail: { ...detail, registered_per_second: perSecond, memory_mb: Math.round(residentMb(daemon.pid)) },
    }
  },
}

const heartbeatsPerSecond = 200

/** Sends heartbeats of 1,000 agents until it is stopped. */
function startHeartbeats(url: string): { stop: () => Promise<void> } {
  const stopped = new AbortController()
  const burst = heartbeatsPerSecond / 10

  async function send(): Promise<void> {
    for (let at = 0; !stopped.signal.aborted; at = (at + burst) % 1000) {
      const bodies = Array.from({ length: burst }, (_, offset) => beatMade(at + offset))
      const requests = bodies.map((body) => ({ method: 'POST' as const, path: '/heartbeat', body }))
      await sendAll(url, requests, { connections: 4 })
      await setTimeout(100)
    }
  }

  const sending = send()
  return { stop: () => (stopped.abort(), sending) }
}

const listed: Row = {
  name: `GET /agents, 1,000 agents, ${heartbeatsPerSecond} heartbeats a second`,
  goal: '≥ 0.80 of bare node:http',
  reaches: (value) => value >= 0.8,
  async measure(bench) {
    const daemon = await bench.daemon([])
    await settled(daemon.url, 200)
    await registerAgents(daemon.url, 1000)
    const bare = await sameBytes(bench, `${daemon.url}/agents`)
    const heartbeats = startHeartbeats(daemon.url)
    try {
      const sliceOf = ({ url }: typeof bare) => bench.slice(`${url}/agents`)
      return await ratioOf(
        8 * bench.seconds,
        () => sliceOf(daemon),
        () => sliceOf(bare),
      )
    } finally {
      await heartbeats.stop()
    }
  },
}

export const agents: readonly Row[] = [listed, byCapability]
