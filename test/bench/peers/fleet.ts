/** A program in a separate process that calls tools through a fleet and through the SDK alone, or connects to many servers. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { connectServers } from '../../../src/client/connect/index.ts'

type CallsQuestion = {
  readonly kind: 'calls'
  readonly way: 'fleet' | 'bare'
  readonly roster: string
  readonly server: string
  readonly calls: number
  readonly inFlight: number
}
type Question = CallsQuestion | { readonly kind: 'connect'; readonly roster: string; readonly servers: number }

process.on('message', (question: Question) => {
  const answer = question.kind === 'calls' ? measureCalls(question) : measureConnections(question)
  answer
    .then((figures) => process.send?.(figures))
    .catch((error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }))
})

/** Calls before the measurement: V8 compiles meanwhile. */
const warmUpCalls = 4000

/** Calls a second, and CPU time of a call in µs. The fleet and the bare SDK have processes of their own: they share no compiled code and no heap. */
async function measureCalls({ way, roster, server, calls, inFlight }: CallsQuestion) {
  const { call, close } = await (way === 'fleet' ? openFleet(roster) : openBare(server))

  async function callMany(count: number): Promise<void> {
    let left = count
    const callOn = async () => {
      while (left > 0) {
        left -= 1
        await call(left)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, callOn))
  }

  await callMany(warmUpCalls)
  const before = process.cpuUsage()
  const begun = performance.now()
  await callMany(calls)
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(before)
  await close()
  return { rate: calls / seconds, cpu_us: (user + system) / calls }
}

async function openFleet(roster: string) {
  const fleet = await connectServers({ roster })
  return { call: (id: number) => fleet.call('tool_7', { id }), close: fleet.close }
}

async function openBare(server: string) {
  const client = new Client({ name: 'bare', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new StreamableHTTPClientTransport(new URL(server)))
  const { tools } = await client.listTools()
  const toolDefinition = tools.find(({ name }) => name === 'tool_7')!
  const call = (id: number) => client.callTool({ name: 'tool_7', arguments: { id } }, { toolDefinition })
  return { call, close: () => client.close() }
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
