/** A program in a separate process that calls tools through a fleet and through the SDK alone, or connects to many servers. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { connectServers } from '../../../src/client/connect/index.ts'

type Question =
  | { readonly kind: 'calls'; readonly roster: string; readonly server: string; readonly calls: number }
  | { readonly kind: 'connect'; readonly roster: string; readonly servers: number }

process.on('message', (question: Question) => {
  const answer = question.kind === 'calls' ? compareCalls(question) : measureConnections(question)
  answer
    .then((figures) => process.send?.(figures))
    .catch((error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }))
})

const slices = 5

/** CPU time of a call through the fleet and through the SDK alone, in µs: medians of slices in turn. */
async function compareCalls({ roster, server, calls }: Extract<Question, { kind: 'calls' }>) {
  const fleet = await connectServers({ roster })
  const client = new Client({ name: 'bare', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new StreamableHTTPClientTransport(new URL(server)))
  const { tools } = await client.listTools()
  const toolDefinition = tools.find(({ name }) => name === 'tool_7')!
  const ways = {
    fleet: (id: number) => fleet.call('tool_7', { id }),
    bare: (id: number) => client.callTool({ name: 'tool_7', arguments: { id } }, { toolDefinition }),
  }
  const costs: Record<keyof typeof ways, number[]> = { fleet: [], bare: [] }
  const times: Record<keyof typeof ways, number[]> = { fleet: [], bare: [] }
  for (let slice = -1; slice < slices; slice += 1) {
    for (const way of slice % 2 === 0 ? (['fleet', 'bare'] as const) : (['bare', 'fleet'] as const)) {
      const before = process.cpuUsage()
      const begun = performance.now()
      for (let call = 0; call < calls; call += 1) await ways[way](call)
      if (slice < 0) continue // The first compiles.
      const { user, system } = process.cpuUsage(before)
      costs[way].push((user + system) / calls)
      times[way].push(((performance.now() - begun) * 1000) / calls)
    }
  }
  await fleet.close()
  await client.close()
  const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[slices >> 1] ?? Number.NaN
  return {
    fleet_us: middle(costs.fleet),
    bare_us: middle(costs.bare),
    fleet_wall_us: middle(times.fleet),
    bare_wall_us: middle(times.bare),
  }
}

/** How long a fleet takes to connect, and what a connection takes of memory. */
async function measureConnections({ roster, servers }: Extract<Question, { kind: 'connect' }>) {
  // The SDK is loaded before, by a connection that fails.
  const first = await connectServers({ roster, query: { name: 's0' } })
  await first.close()
  globalThis.gc?.()
  const before = process.memoryUsage()
  const cpu = process.cpuUsage()
  const begun = performance.now()
  const fleet = await connectServers({ roster, concurrency: 50 })
  const ms = performance.now() - begun
  const { user, system } = process.cpuUsage(cpu)
  if (fleet.active.length !== servers) throw new Error(`${fleet.active.length} of ${servers} are connected`)
  globalThis.gc?.()
  const after = process.memoryUsage()
  const figures = {
    ms,
    cpu_ms: (user + system) / 1000,
    heap_kb: (after.heapUsed - before.heapUsed) / 1024 / servers,
    rss_kb: (after.rss - before.rss) / 1024 / servers,
  }
  await fleet.close()
  return figures
}
