import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { json, loopDelays, residentMb, settled, until } from '../daemon-requests.ts'
import { quantile, rounded } from '../figures.ts'
import { freePort } from '../ports.ts'
import type { Bench, Peer, Row } from '../row.ts'

const many = 10_000
const connections = 256
/** Silence that no agent of these rows reaches. */
const patienceSeconds = 3600
/** The original takes minutes for more agents, as each registration reads all of them. */
const manyOfOriginal = 1000
/** Capabilities that every tenth agent needs, each offered by ten agents. */
const shared = 10

/** The registry that this daemon replaces: `MESH_REGISTRY_BIN`, or `mcp-mesh-registry` in the path. */
const originalBin =
  process.env['MESH_REGISTRY_BIN'] ??
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'mcp-mesh-registry'))
    .find((path) => existsSync(path))

const noOriginal = 'MESH_REGISTRY_BIN names no registry of the original'

/** The heartbeat of an agent with five tools and three dependencies, as the published Python runtime sends it. */
function meshAgentMade(at: number, version = '1.0.0'): string {
  const needed = [`shared-${at % shared}`, `skill-${(at * 7 + 1) % many}`, `skill-${(at * 11 + 5) % many}`]
  const tools = Array.from({ length: 5 }, (_, tool) => ({
    function_name: `function_${tool}`,
    capability: tool === 0 && at < shared * 10 ? `shared-${at % shared}` : `skill-${(at * 5 + tool) % many}`,
    version,
    tags: ['bench', `team-${at % 20}`],
    description: `Tool ${tool} of agent ${at} of the bench`,
    inputSchema: { type: 'object', properties: { who: { type: 'string' } }, required: ['who'] },
    dependencies: tool < 3 ? [{ capability: needed[tool], tags: ['bench'], version: '>=1.0.0' }] : [],
  }))
  const agent = { agent_id: `agent-${at}`, name: `agent-${at}`, agent_type: 'mcp_agent', version, runtime: 'python' }
  return JSON.stringify({
    ...agent,
    http_host: '10.0.0.1',
    http_port: 1024 + (at % 60_000),
    namespace: 'default',
    tools,
  })
}

const heartbeats = (count: number) => Array.from({ length: count }, (_, at) => meshAgentMade(at))

type Burst = { p50: number; p99: number; ms: number }

/** Registers agents at once; twice, as the first round resolves only what had come before. */
async function registerAll(bench: Bench, url: string, count = many): Promise<Burst> {
  const client = bench.client('registrars.ts')
  const send = () => client.ask<Burst>({ url, path: '/heartbeat', bodies: heartbeats(count), connections })
  const first = await send()
  await send()
  await client.stop()
  return first
}

/** A daemon whose agents are registered and send nothing more: no lease lapses meanwhile. */
async function openMesh(bench: Bench): Promise<Peer & { burst: Burst; beforeMb: number }> {
  const config = join(bench.folder(), 'config.json')
  const agents = { timeout_threshold: patienceSeconds, eviction_threshold: 2 * patienceSeconds }
  writeFileSync(config, JSON.stringify({ sources: [{ type: 'agents' }], health: { agents } }))
  const daemon = await bench.daemon(['--config', config])
  await settled(daemon.url)
  const beforeMb = residentMb(daemon.pid)
  return { ...daemon, beforeMb, burst: await registerAll(bench, daemon.url) }
}

async function openOriginal(bench: Bench, bin: string): Promise<Peer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const settings = [
    'HOST=127.0.0.1',
    `PORT=${port}`,
    'DATABASE_URL=mesh.db',
    'MCP_MESH_LOG_LEVEL=ERROR',
    'GIN_MODE=release',
    `DEFAULT_TIMEOUT_THRESHOLD=${patienceSeconds}`,
  ]
  const { pid, stop } = await bench.program('env', [...settings, bin], `${url}/health`)
  return { url, pid, stop }
}

const registration: Row = {
  name: '10,000 mesh agents of 5 tools and 3 dependencies register at once',
  goal: 'p99 ≤ 1 s, none lost',
  reaches: (value) => value <= 1000,
  async measure(bench) {
    const { url, burst, stop } = await openMesh(bench)
    const { count } = await json<{ count: number }>(`${url}/agents?limit=${many}`)
    if (count !== many) throw new Error(`${count} of ${many} agents are there`)
    await stop()
    return {
      value: burst.p99,
      unit: 'ms',
      detail: { p50: rounded(burst.p50), all_ms: Math.round(burst.ms), ...(await originalBurst(bench)) },
    }
  },
}

async function originalBurst(bench: Bench): Promise<Record<string, number | string>> {
  if (originalBin === undefined) return { original: noOriginal }
  const original = await openOriginal(bench, originalBin)
  const { p50, p99, ms } = await registerAll(bench, original.url, manyOfOriginal)
  const mb = residentMb(original.pid)
  await original.stop()
  return {
    original_p50: rounded(p50),
    original_p99: rounded(p99),
    original_all_ms: Math.round(ms),
    original_mb: Math.round(mb),
    original_agents: manyOfOriginal,
  }
}

const memory: Row = {
  name: 'resident memory of a mesh agent, at 10,000',
  goal: '≤ 15 kB',
  reaches: (value) => value <= 15,
  async measure(bench) {
    const { url, pid, beforeMb } = await openMesh(bench)
    await settled(url, bench.long ? 60_000 : 20_000)
    const afterMb = residentMb(pid)
    return {
      value: ((afterMb - beforeMb) * 1024) / many,
      unit: 'kB',
      detail: { before_mb: Math.round(beforeMb), after_mb: Math.round(afterMb), body_bytes: meshAgentMade(1).length },
    }
  },
}

/** Providers of a capability that a thousand agents need: leaves, comes back, comes with a higher version. */
const churn: Row = {
  name: 'a provider of 1,000 mesh agents comes or goes, among 10,000',
  goal: 'no event-loop stall > 20 ms',
  async measure(bench) {
    const { url } = await openMesh(bench)
    await settled(url)
    const stalls: number[] = []
    for (let round = 0; round < 5 * bench.seconds; round += 1) {
      const at = round % shared
      const steps = [
        () => fetch(`${url}/agents/agent-${at}`, { method: 'DELETE' }),
        () => fetch(`${url}/heartbeat`, { method: 'POST', body: meshAgentMade(at) }),
        () => fetch(`${url}/heartbeat`, { method: 'POST', body: meshAgentMade(at, `2.${round}.0`) }),
      ]
      for (const step of steps) {
        await loopDelays(url)
        const answer = await step()
        if (!answer.ok) throw new Error(`answered ${answer.status}: ${await answer.text()}`)
        await answer.arrayBuffer()
        // A consumer of it asks: what is computed late belongs to the change too.
        await until(async () => (await fetch(`${url}/heartbeat/agent-${at + 1000}`, { method: 'HEAD' })).ok)
        stalls.push((await loopDelays(url)).longest)
      }
    }
    const longest = Math.max(...stalls)
    return {
      value: longest,
      unit: 'ms',
      stallMs: longest,
      detail: { p50: rounded(quantile(stalls, 0.5)), changes: stalls.length },
    }
  },
}

const heads: Row = {
  name: 'HEAD /heartbeat/{id} of 10,000 mesh agents',
  goal: '≥ the original registry with 1,000',
  reaches: (value) => value >= 1,
  async measure(bench) {
    const daemon = await openMesh(bench)
    const ours = { heads: await headsOf(bench, daemon.url, many), posts: await postsOf(bench, daemon.url, many) }
    await daemon.stop()
    const detail = { heads: Math.round(ours.heads), posts: Math.round(ours.posts) }
    if (originalBin === undefined)
      return { skipped: `${noOriginal}; ours: ${detail.heads} HEADs, ${detail.posts} POSTs a second` }
    const original = await openOriginal(bench, originalBin)
    await registerAll(bench, original.url, manyOfOriginal)
    const theirs = {
      heads: await headsOf(bench, original.url, manyOfOriginal),
      posts: await postsOf(bench, original.url, manyOfOriginal),
    }
    return {
      value: ours.heads / theirs.heads,
      unit: 'ratio',
      detail: { ...detail, original_heads: Math.round(theirs.heads), original_posts: Math.round(theirs.posts) },
    }
  },
}

/** HEADs a second, from a process that does nothing else. */
async function headsOf(bench: Bench, url: string, count: number): Promise<number> {
  const client = bench.client('heads.ts')
  const paths = Array.from({ length: count }, (_, at) => `/heartbeat/agent-${at}`)
  const { statuses, seconds } = await client.ask<{ statuses: Record<string, number>; seconds: number }>({
    url,
    paths,
    connections: 32,
    seconds: bench.seconds,
  })
  await client.stop()
  const failed = Object.keys(statuses).filter((status) => status !== '200' && status !== '202')
  if (failed.length > 0) throw new Error(`HEAD answered ${failed.join(', ')}`)
  return Object.values(statuses).reduce((sum, count) => sum + count, 0) / seconds
}

/** Whole heartbeats of registered agents a second. */
async function postsOf(bench: Bench, url: string, count: number): Promise<number> {
  return (await bench.load(`${url}/heartbeat`, { bodies: heartbeats(count) })).rate
}

export const mesh: readonly Row[] = [registration, memory, churn, heads]
