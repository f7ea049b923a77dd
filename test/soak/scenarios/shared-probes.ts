import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { follow } from '../../api/watch/watch-server.ts'
import { temporary, until } from '../../e2e/daemon-process.ts'
import { type Engine, engines } from '../database-engines.ts'
import { type Cluster, type Member, openCluster } from '../replica-cluster.ts'
import { type Effort, type Figures, quantile, type Scenario } from '../scenario.ts'

const intervalSeconds = 5
const flappingCount = 20
const leaseSeconds = 15
/** Within which time all daemons show a change, in ms, by database. */
const agreeMs = { postgres: 250, mysql: 500 } as const

type Listed = { servers: { id: string; status: string; health: { since: string } }[]; resource_version: string }
type Members = [Member, Member, Member]

/** Servers that count their probes, and fail on demand. */
async function startTargets() {
  const counts = new Map<string, number>()
  const failing = new Set<string>()
  const server = createServer(({ url = '' }, response) => {
    counts.set(url, (counts.get(url) ?? 0) + 1)
    response.writeHead(failing.has(url) ? 503 : 200).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    counts,
    failing,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
type Targets = Awaited<ReturnType<typeof startTargets>>

const portOf = (member: Member) => Number(new URL(member.daemon()!.url).port)
const listOf = (member: Member) => member.json<Listed>('/servers')
const memberCount = async (member: Member) => (await member.json<{ members: unknown[] }>('/cluster')).members.length

/** Waits until all servers are well, with the same times at all daemons, and nothing changes for a moment. */
async function settled(members: readonly Member[]): Promise<string> {
  const shown = async () => {
    const lists = await Promise.all(members.map(listOf))
    const texts = lists.map(({ servers }) =>
      JSON.stringify(servers.map(({ id, status, health }) => [id, status, health.since])),
    )
    return texts.every((text) => text === texts[0]) && !/"(pending|degraded|unhealthy)"/.test(texts[0] ?? '')
      ? texts[0]
      : undefined
  }
  return until(async () => {
    const before = await shown()
    await pause(500)
    return before !== undefined && before === (await shown()) && before
  }, 120)
}

async function countProbes(targets: Targets, intervals: number): Promise<number> {
  targets.counts.clear()
  await pause(intervals * intervalSeconds * 1000)
  const total = [...targets.counts.values()].reduce((sum, count) => sum + count, 0)
  return total / targets.counts.size / intervals
}

/** Changes of flapping servers that not all daemons showed within the time, and the longest difference. */
async function flap(members: Members, targets: Targets, rounds: number, withinMs: number) {
  const seen = new Map<string, number[]>()
  const watchers = await Promise.all(
    members.map((member) =>
      follow(portOf(member), '/servers?watch=true&label_selector=flapping', {}, ({ type, server }) => {
        const { name, status, health } = (server ?? {}) as { name: string; status: string; health?: { since: string } }
        const key = `${name} ${status} ${health?.since}`
        if (type === 'MODIFIED') seen.set(key, [...(seen.get(key) ?? []), performance.now()])
      }),
    ),
  )
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < flappingCount; at += 1)
      if ((round + at) % 2 === 0) targets.failing.add(`/f${at}`)
      else targets.failing.delete(`/f${at}`)
    await pause(intervalSeconds * 1300)
  }
  targets.failing.clear()
  await settled(members)
  for (const { close } of watchers) close()
  const spreads = [...seen.values()].map((times) =>
    times.length < 3 ? Infinity : Math.max(...times) - Math.min(...times),
  )
  assert.ok(spreads.length > flappingCount, `only ${spreads.length} changes`)
  return {
    changes: spreads.length,
    late: spreads.filter((ms) => ms > withinMs).length,
    slowest_ms: quantile(spreads, 1),
  }
}

/** Polls and watches that go from one daemon to the next at rest. */
async function roundRobin(members: Members) {
  let etag = ''
  let unchanged = 0
  for (let poll = 0; poll < 30; poll += 1) {
    const answer = await members[poll % 3]!.daemon()!.get('/servers', { headers: { 'if-none-match': etag } })
    etag = answer.headers.get('etag') ?? etag
    await answer.arrayBuffer()
    unchanged += Number(answer.status === 304)
  }
  let resyncs = 0
  let token = (await listOf(members[0])).resource_version
  for (let watch = 1; watch <= 30; watch += 1) {
    const watcher = await follow(portOf(members[watch % 3]!), '/servers/watch', { 'last-event-id': token })
    const events = await watcher.upTo('BOOKMARK')
    resyncs += Number(events.some(({ type }) => type === 'RESYNC'))
    token = events.at(-1)?.token ?? token
    watcher.close()
  }
  return { unchanged_of_30: unchanged, resyncs_of_30: resyncs }
}

/** From the answer of a write at one daemon until another one tells it. */
async function propagate([a, b]: Members, writes: number) {
  const told = new Map<string, number>()
  const watcher = await follow(portOf(b), '/servers?watch=true&name=moving', {}, ({ server }) => {
    const { version } = (server ?? {}) as { version?: string }
    if (version !== undefined) told.set(version, performance.now())
  })
  const times: number[] = []
  for (let write = 0; write < writes; write += 1) {
    const version = `1.0.${write}`
    await a.write('PUT', '/servers/default/moving', { url: 'http://moving.example/mcp', health_check: 'none', version })
    const written = performance.now()
    const at = await until(() => told.get(version))
    times.push(Math.max(0, at - written))
  }
  watcher.close()
  return { told_p50_ms: quantile(times, 0.5), told_p99_ms: quantile(times, 0.99) }
}

/** How long it takes until others probe what one probed that ended; no status may move. */
async function takeOver(cluster: Cluster, targets: Targets, signal: 'SIGKILL' | 'SIGTERM') {
  const [a, b, c] = cluster.members as Members
  const before = await settled([a, b])
  const began = performance.now()
  c.daemon()!.child.kill(signal)
  await until(async () => (await memberCount(a)) === 2, 60)
  const noticed = performance.now() - began
  targets.counts.clear()
  await until(() => targets.counts.size >= before.split('"default/').length - 2, 120)
  const covered = performance.now() - began
  assert.ok((await settled([a, b])) === before, 'a status has moved')
  await c.kill()
  await c.restart()
  await until(async () => (await memberCount(a)) === 3, 60)
  return { noticed: noticed / 1000, covered: covered / 1000 }
}

async function runOn(engine: Engine, { of }: Effort): Promise<Figures> {
  const reason = engine.missing()
  if (reason !== undefined) return { skipped: reason }
  await using server = await engine.start()
  using folder = temporary()
  using targets = await startTargets()
  const entry = (path: string) => ({
    url: `${targets.url}/mcp${path}`,
    health_check: 'http',
    health_check_url: `${targets.url}${path}`,
    labels: path.startsWith('/f') ? { flapping: 'yes' } : {},
  })
  const count = of(500, 100)
  const servers = Object.fromEntries([
    ...Array.from({ length: count }, (_, at) => [`s${at}`, entry(`/s${at}`)]),
    ...Array.from({ length: flappingCount }, (_, at) => [`f${at}`, entry(`/f${at}`)]),
  ])
  writeFileSync(folder.at('servers.json'), JSON.stringify({ servers }))
  await using cluster = await openCluster({
    type: engine.type,
    url: await server.create(),
    sources: `{ type: file, paths: ['${folder.at('servers.json')}'] }, `,
    config: `health: { interval: ${intervalSeconds}, max_concurrency_per_host: 32, self_preservation: { enabled: false } }
cluster: { lease_duration: ${leaseSeconds} }\n`,
  })
  const members = cluster.members as Members
  await until(async () => (await memberCount(members[0])) === 3)
  await pause(2.5 * intervalSeconds * 1000)
  await settled(members)

  const probes = await countProbes(targets, of(6, 3))
  const rest = await roundRobin(members)
  const told = await propagate(members, of(200, 50))
  const flapping = await flap(members, targets, of(12, 4), agreeMs[engine.type])
  const killed = await takeOver(cluster, targets, 'SIGKILL')
  const ended = await takeOver(cluster, targets, 'SIGTERM')
  const figures = {
    targets: count + flappingCount,
    probes_per_interval: Math.round(probes * 1000) / 1000,
    ...rest,
    ...told,
    ...flapping,
    kill_noticed_s: Math.round(killed.noticed),
    kill_covered_s: Math.round(killed.covered),
    term_noticed_s: Math.round(ended.noticed * 10) / 10,
  }
  const isReached =
    probes <= 1.05 &&
    rest.unchanged_of_30 >= 29 &&
    rest.resyncs_of_30 === 0 &&
    told.told_p99_ms <= (engine.type === 'postgres' ? 100 : 400) &&
    flapping.late === 0 &&
    killed.covered <= leaseSeconds + 2 * intervalSeconds &&
    ended.noticed <= 2.5
  assert.ok(isReached, JSON.stringify(figures))
  return figures
}

export const sharedProbes: readonly Scenario[] = engines.map((engine) => ({
  name: `replicas-probes-${engine.type}`,
  what: `three daemons on one ${engine.type} share probes, statuses and tokens, and take over from each other`,
  limitSeconds: ({ of }: Effort) => of(600, 300),
  run: (effort: Effort) => runOn(engine, effort),
}))
