import { agentMade, beatMade, registerAgents, registering } from '../builders.ts'
import { cpuPairs, cpuRatioOf } from '../cpu.ts'
import { json, settled } from '../daemon-requests.ts'
import { ratioOf } from '../figures.ts'
import type { Bench, Row } from '../row.ts'

const beatsOf = (many: number) => Array.from({ length: many }, (_, at) => beatMade(at))

async function daemonOf(bench: Bench, many: number) {
  const daemon = await bench.daemon([])
  await settled(daemon.url, 200)
  await registerAgents(daemon.url, many)
  await allHealthy(daemon.url, many)
  const bodies = beatsOf(many)
  let at = 0

  /** Slices of one second, each resuming where the last ended, so that every agent beats within its lease. */
  async function beat() {
    const done = await bench.slice(`${daemon.url}/heartbeat`, { bodies: [...bodies.slice(at), ...bodies.slice(0, at)] })
    at = (at + Math.round(done.rate)) % many
    return done
  }

  return { ...daemon, beat }
}

async function allHealthy(url: string, many: number): Promise<void> {
  const { total } = await json<{ total: number }>(`${url}/servers?status=healthy&limit=1`)
  if (total !== many) throw new Error(`${total} of ${many} agents are healthy`)
}

const againstBare: Row = {
  name: 'heartbeats of 1,000 agents',
  goal: '≥ 0.60 of bare node:http answering 204',
  reaches: (value) => value >= 0.6,
  async measure(bench) {
    const daemon = await daemonOf(bench, 1000)
    const bare = await bench.peer('bytes.ts', { status: 204, headers: {}, body: '' })
    const bodies = beatsOf(1000)
    const measured = await ratioOf(
      5 * bench.seconds,
      async () => ({ rate: (await daemon.beat()).rate }),
      async () => ({ rate: (await bench.slice(`${bare.url}/heartbeat`, { bodies })).rate }),
    )
    await allHealthy(daemon.url, 1000)
    return measured
  },
}

const crowd: Row = {
  name: 'heartbeats of 1,000 agents / of 100,000',
  goal: '≤ 1.15',
  reaches: (value) => value <= 1.15,
  async measure(bench) {
    const few = await daemonOf(bench, 1000)
    const many = await daemonOf(bench, 100_000)
    const measured = await ratioOf(
      5 * bench.seconds,
      async () => ({ rate: (await few.beat()).rate }),
      async () => ({ rate: (await many.beat()).rate }),
    )
    await allHealthy(many.url, 100_000)
    return measured
  },
}

/** A plain Hono app that parses a body posted to `path`, and sends what the daemon answered to it. */
async function plainHono(bench: Bench, url: string, path: string, body: string) {
  const answer = await fetch(url + path, { method: 'POST', body })
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', vary: 'Origin' }
  return bench.peer('hono.ts', { path, status: answer.status, headers, body: await answer.text() })
}

/** Changed registrations of 1,000 agents: each is validated, stored durably and visible before the answer. */
const registrationsAgainstPlainHono: Row = {
  name: 'CPU of durable registrations against a plain Hono handler that parses the same JSON',
  goal: 'reported',
  async measure(bench) {
    const rounds = Array.from({ length: 30 }, (_, round) =>
      Array.from({ length: 1000 }, (_each, at) => agentMade(at, round + 1)),
    )
    return cpuRatioOf(cpuPairs, async () => {
      const ours = await daemonOf(bench, 1000)
      const theirs = await plainHono(bench, ours.url, registering, agentMade(0, 1))
      const bodies = rounds.flat()
      return { ours, theirs, request: ({ url }) => bench.slice(url + registering, { bodies }) }
    })
  },
}

const againstPlainHono: Row = {
  name: 'CPU of heartbeats against a plain Hono handler that parses the same JSON',
  goal: '≥ 0.95',
  reaches: (value) => value >= 0.95,
  async measure(bench) {
    const bodies = beatsOf(1000)
    return cpuRatioOf(cpuPairs, async () => {
      const ours = await daemonOf(bench, 1000)
      const theirs = await plainHono(bench, ours.url, '/heartbeat', beatMade(0))
      return { ours, theirs, request: ({ url }) => bench.slice(`${url}/heartbeat`, { bodies }) }
    })
  },
}

export const heartbeats: readonly Row[] = [againstBare, againstPlainHono, registrationsAgainstPlainHono, crowd]
