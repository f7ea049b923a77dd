import { setImmediate } from 'node:timers/promises'
import { Pool } from 'undici'
import { createListCache } from '../../../src/api/servers/list/list-cache.ts'
import { Status } from '../../../src/model/health.ts'
import { serverId } from '../../../src/model/names.ts'
import { ServerDefinition } from '../../../src/model/server.ts'
import type { Layer } from '../../../src/registry/candidate.ts'
import { createRegistry, type Registry } from '../../../src/registry/registry.ts'
import { serverMade, writeServers } from '../builders.ts'
import { settled, totalOf, until } from '../daemon-requests.ts'
import { median, quantile, rounded } from '../figures.ts'
import type { Bench, Measured, Peer, Row } from '../row.ts'

/** A family of queries; each number gives a query that is new and has the same matches. */
type Kind = { readonly name: string; readonly goalMs: number; readonly ask: (number: number) => string }

const quick: readonly Kind[] = [
  { name: 'capability', goalMs: 5, ask: (n) => `capability=capability-${n % 200}&label_selector=!never-${n}` },
  { name: 'tag', goalMs: 5, ask: (n) => `any_tag=team-${n % 20},never-${n}` },
  {
    name: 'four_keys',
    goalMs: 5,
    ask: (n) => `tag=geo&any_tag=team-${(n % 4) * 5},n-${n}&label_selector=env%3Dprod&type=stdio`,
  },
  { name: 'region', goalMs: 5, ask: (n) => `label_selector=region+in+(region-${n % 7},never-${n})` },
]
const statusOnly: Kind = { name: 'status', goalMs: 5, ask: (n) => `status=unknown&label_selector=!never-${n}` }
const words: readonly Kind[] = [
  { name: 'q', goalMs: 50, ask: (n) => `q=server+${1000 + (n % 90_000)}` },
  { name: 'q_of_all', goalMs: 50, ask: (n) => `q=bench&label_selector=!never-${n}` },
  { name: 'fuzzy', goalMs: 50, ask: (n) => `q=capabilty-${n % 200}&fuzzy_match=true&label_selector=!never-${n}` },
]

const many = 100_000
const page = 1000

/** A registry of `many` servers in this process, with settled indexes. */
export async function registryOf(many: number): Promise<Registry> {
  const registry = createRegistry({
    onError: (error) => {
      throw error
    },
  })
  const layer: Layer = { name: 'bench', reach: 'any', discovery_method: 'config_file', order: 0 }
  const statuses = Status.options
  const come = Array.from({ length: many }, (_, at) => {
    const definition = ServerDefinition.parse({ ...serverMade(at), name: `server-${at}` })
    const status = at % 3 === 0 ? (statuses[at % statuses.length] ?? 'unknown') : 'unknown'
    const id = serverId(definition.namespace, definition.name)
    return { id, definition, reported: { status }, layer, origin: 'bench', rank: 0, position: at, stale: false }
  })
  registry.commit({ removed: [], added: come })
  // Indexes are built in the background, one slice per turn of the event loop.
  for (let turn = 0; turn < 1000 + many / 100; turn += 1) await setImmediate()
  return registry
}

function timesOf(registry: Registry, { ask }: Kind, reps: number) {
  const times: number[] = []
  const cpuTimes: number[] = []
  const { answer } = createListCache({
    registry,
    syncing: () => [],
    volatile: () => undefined,
  })
  let found = 0
  for (let rep = 0; rep < reps; rep += 1) {
    const text = `${ask(rep)}&limit=${page}`
    const [begun, cpu] = [performance.now(), process.threadCpuUsage()]
    const reply = answer(text)
    times.push(performance.now() - begun)
    const { user, system } = process.threadCpuUsage(cpu)
    cpuTimes.push((user + system) / 1000)
    found = Number(/"total":(\d+)/.exec(reply?.body.subarray(-200).toString() ?? '')?.[1])
    if (reply?.status !== 200 || !(found > 0)) throw new Error(`${text} found nothing`)
  }
  return { times, cpuTimes, found }
}

/** Warm-up: JSON bytes of servers are made at the first request and cached from the second on; not measured here. */
function warm(registry: Registry): void {
  for (const { json } of [...registry.list(), ...registry.list()]) json()
}

function inProcess(name: string, kinds: readonly Kind[], goalMs: number, reps: number): Row {
  return {
    name,
    goal: `p99 ≤ ${goalMs} ms`,
    reaches: (value) => value <= goalMs,
    async measure({ seconds }) {
      const registry = await registryOf(many)
      warm(registry)
      for (const kind of kinds) timesOf(registry, kind, 50)
      const measured = kinds.map((kind) => ({ kind, ...timesOf(registry, kind, reps * seconds) }))
      const detail = Object.fromEntries(
        measured.flatMap(({ kind, times, cpuTimes, found }) => [
          [`${kind.name}_p50`, rounded(quantile(times, 0.5))],
          [`${kind.name}_p99`, rounded(quantile(times, 0.99))],
          // Without CPU time that other processes took meanwhile.
          [`${kind.name}_cpu_p99`, rounded(quantile(cpuTimes, 0.99))],
          [`${kind.name}_found`, found],
        ]),
      )
      return { value: Math.max(...measured.map(({ times }) => quantile(times, 0.99))), unit: 'ms', detail }
    },
  }
}

/** The same through HTTP: response time beyond that of a bare server with the same bytes. */
const throughHttp: Row = {
  name: 'the same through HTTP, beyond a bare server with the same bytes',
  goal: 'p99 ≤ 5 ms (q, fuzzy ≤ 50 ms)',
  reaches: (value) => value <= 1,
  measure: (bench) => overHttp(bench, many),
}

export async function overHttp(bench: Bench, many: number): Promise<Measured> {
  const folder = bench.folder()
  writeServers(folder, many)
  const daemon = await bench.daemon([folder])
  await until(async () => (await totalOf(daemon.url)) === many, 100)
  await settled(daemon.url, 5000)
  const detail: Record<string, number> = {}
  let worst = 0
  for (const kind of [...quick, statusOnly, ...words]) {
    const path = (n: number) => `/servers?${kind.ask(n)}&limit=${page}`
    const bare = await sameBytes(bench, daemon.url + path(9999))
    const reps = (kind.goalMs > 5 ? 60 : 200) * bench.seconds
    const ours = await timesOver(daemon.url, path, reps)
    const theirs = await timesOver(bare.url, path, reps)
    await bare.stop()
    const p99 = quantile(ours, 0.99)
    detail[`${kind.name}_p50`] = rounded(median(ours))
    detail[`${kind.name}_p99`] = rounded(p99)
    detail[`${kind.name}_bare_p99`] = rounded(quantile(theirs, 0.99))
    worst = Math.max(worst, (p99 - quantile(theirs, 0.99)) / kind.goalMs)
  }
  return { value: worst, unit: 'ratio', detail }
}

/** A bare server that answers every request with the same bytes. */
export async function sameBytes(bench: Bench, url: string): Promise<Peer> {
  const answer = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
  const headers = { 'content-type': 'application/json' }
  return bench.peer('bytes.ts', { status: answer.status, headers, body: await answer.text() })
}

/** Sends requests one after another over one connection. */
export async function timesOver(url: string, path: (number: number) => string, reps: number): Promise<number[]> {
  const pool = new Pool(url, { connections: 1 })
  const times: number[] = []
  try {
    for (let rep = 0; rep < 30 + reps; rep += 1) {
      const begun = performance.now()
      const { statusCode, body } = await pool.request({ method: 'GET', path: path(rep) })
      const bytes = await body.arrayBuffer()
      if (rep >= 30) times.push(performance.now() - begun)
      if (statusCode !== 200 || bytes.byteLength < 60) throw new Error(`${path(rep)} answered ${statusCode}`)
    }
  } finally {
    await pool.close()
  }
  return times
}

export const filters: readonly Row[] = [
  inProcess('a filter never asked before over 100,000 servers, page of 1,000', quick, 5, 700),
  inProcess('the same, by one status only', [statusOnly], 5, 700),
  inProcess('the same, by words and fuzzily', words, 50, 70),
  throughHttp,
]
