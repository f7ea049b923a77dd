import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { agentMade, registering } from '../builders.ts'
import { json, loopDelays, settled } from '../daemon-requests.ts'
import { ratioOf, rounded } from '../figures.ts'
import { freePort } from '../ports.ts'
import type { Bench, Peer, Row } from '../row.ts'

const agents = 1000
const connections = 64
const crowd = 10_000

/** Repeated registrations of the same agents, each a change. */
const registrations = () =>
  Array.from({ length: 30 }, (_, round) => Array.from({ length: agents }, (_, at) => agentMade(at, round))).flat()

/** The same keys and bytes for etcd's JSON gateway. */
const puts = () =>
  registrations().map((value, at) =>
    JSON.stringify({ key: base64(`/agents/agent-${at % agents}`), value: base64(value) }),
  )

const base64 = (text: string) => Buffer.from(text).toString('base64')

const etcdBin = (process.env['PATH'] ?? '')
  .split(':')
  .map((path) => join(path, 'etcd'))
  .find((path) => existsSync(path))

/** A single-member etcd with its own data and ports. */
async function startEtcd(bench: Bench, bin: string): Promise<Peer> {
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
  const started = await bench.program(
    bin,
    [
      ['--data-dir', bench.folder()],
      ['--listen-client-urls', client],
      ['--advertise-client-urls', client],
      ['--listen-peer-urls', peer],
      ['--initial-advertise-peer-urls', peer],
      ['--initial-cluster', `default=${peer}`],
      ['--logger', 'zap'],
      ['--log-level', 'error'],
    ].flat(),
    `${client}/health`,
  )
  return { ...started, url: client }
}

const againstEtcd: Row = {
  name: 'durable registrations, 64 clients',
  goal: '≥ 3 × etcd’s puts',
  reaches: (value) => value >= 3,
  async measure(bench) {
    const daemon = await bench.daemon([])
    await settled(daemon.url, 200)
    const [ours, theirs] = [registrations(), puts()]
    const register = async () => {
      const done = await bench.slice(daemon.url + registering, { bodies: ours, connections })
      // Responses contain the new version, so their length varies by a digit or two.
      return { rate: done.rate, p99: done.p99 }
    }
    if (etcdBin === undefined) {
      const { rate, p99 } = await register()
      return { value: rate, unit: '/s', detail: { p99_ms: rounded(p99), etcd: 'not installed' } }
    }
    const etcd = await startEtcd(bench, etcdBin)
    const latencies: number[] = []
    const measured = await ratioOf(
      5 * bench.seconds,
      async () => {
        const done = await register()
        latencies.push(done.p99)
        return { rate: done.rate }
      },
      async () => ({ rate: (await bench.slice(`${etcd.url}/v3/kv/put`, { bodies: theirs, connections })).rate }),
    )
    const total = (await json<{ count: number }>(`${daemon.url}/agents?limit=10000`)).count
    if (total === 0) throw new Error('no agent was registered')
    // The maximum of node:http for these requests without storing: an upper bound for any registry on it.
    const bare = await bench.peer('taking.ts', { bytes: 150 })
    const bound = (await bench.load(bare.url, { bodies: ours, connections })).rate
    const detail = { p99_ms: rounded(Math.max(...latencies)), bare_node_http: Math.round(bound), agents: total }
    return { ...measured, detail: { ...measured.detail, ...detail } }
  },
}

const slowDisk: Row = {
  name: 'event-loop delay p99 while registering, on a disk of 5 ms per commit',
  goal: '≤ 5 ms',
  reaches: (value) => value <= 5,
  async measure(bench) {
    const library = join(bench.folder(), 'slow-disk.so')
    try {
      execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, 'test/bench/peers/slow-disk.c'])
    } catch {
      return { skipped: 'there is no C compiler to make a slow disk with' }
    }
    const bodies = registrations()
    const rate = async (env: Record<string, string>) => {
      const daemon = await bench.daemon([], { env })
      await settled(daemon.url, 200)
      await bench.load(daemon.url + registering, { bodies, connections })
      await loopDelays(daemon.url)
      const done = await bench.load(daemon.url + registering, { bodies, connections })
      const delays = await loopDelays(daemon.url)
      await daemon.stop()
      return { ...done, loop: delays }
    }
    const slow = await rate({ LD_PRELOAD: library })
    const usual = await rate({})
    // Every response must wait for a commit of at least 5 ms; otherwise the slow disk is not in effect.
    if (slow.p50 < 5) throw new Error(`the slow disk is not slow: half of the responses took ${slow.p50} ms`)
    return {
      value: slow.loop.p99,
      unit: 'ms',
      detail: {
        longest: rounded(slow.loop.longest),
        rate: Math.round(slow.rate),
        p50: rounded(slow.p50),
        p99: rounded(slow.p99),
        usual_disk_p99_delay: rounded(usual.loop.p99),
        usual_disk_rate: Math.round(usual.rate),
      },
    }
  },
}

/** All agents register at once, as after a restart of the registry. */
const atOnce: Row = {
  name: '10,000 agents register at once, 256 clients',
  goal: 'p99 ≤ 1 s, none lost',
  reaches: (value) => value <= 1000,
  async measure(bench) {
    const daemon = await bench.daemon([])
    await settled(daemon.url, 200)
    const bodies = Array.from({ length: crowd }, (_, at) => agentMade(at))
    const file = bench.client('registrars.ts')
    const { p50, p99, ms } = await file.ask<{ p50: number; p99: number; ms: number }>({
      url: daemon.url,
      path: registering,
      bodies,
      connections: 256,
    })
    const { count } = await json<{ count: number }>(`${daemon.url}/agents?limit=10000`)
    if (count !== crowd) throw new Error(`${count} of ${crowd} agents are there`)
    return { value: p99, unit: 'ms', detail: { p50: rounded(p50), all_ms: Math.round(ms) } }
  },
}

export const durable: readonly Row[] = [againstEtcd, slowDisk, atOnce]
