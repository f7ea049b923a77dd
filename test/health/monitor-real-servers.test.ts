import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { it, type TestContext } from 'node:test'
import { serve, type ServerType } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { HealthConfig } from '../../src/health/config.ts'
import { createMonitor } from '../../src/health/monitor.ts'
import { silent } from '../../src/log.ts'
import { openHttpClient } from '../../src/outbound/http-client.ts'
import { createTestRegistry } from '../test-registry.ts'

/** A monitor as in the daemon, with a real registry and real probes. */
function createRealMonitor(t: TestContext, config: object = {}) {
  const roster = createTestRegistry()
  const http = openHttpClient()
  const monitor = createMonitor({ registry: roster.registry, http, config: HealthConfig.parse(config), log: silent })
  t.after(async () => {
    await monitor[Symbol.asyncDispose]()
    await http.close()
  })
  /** Resolves once the server has the status. */
  const until = async (name: string, status: string, signal = AbortSignal.timeout(8000)): Promise<void> => {
    const isReached = () => roster.registry.get(`default/${name}`)?.server.status === status
    if (isReached()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = roster.registry.subscribe(() => isReached() && resolve())
    signal.addEventListener('abort', () => reject(new Error(`${name} did not become ${status} within 8 s`)))
    await promise.finally(leave)
  }
  return { ...roster, monitor, until }
}

async function mcpServer(port = 0): Promise<{ port: number; server: ServerType }> {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'made', version: '1.2.3' })
    server.registerTool('forecast', { description: 'looks ahead' }, () => ({ content: [] }))
    return server
  })
  const listening = Promise.withResolvers<AddressInfo>()
  const server = serve({ hostname: '127.0.0.1', port, fetch: (request) => handler.fetch(request) }, listening.resolve)
  return { port: (await listening.promise).port, server }
}

async function stop(server: ServerType): Promise<void> {
  if ('closeAllConnections' in server) server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

it('monitor follows a real MCP server through start, stop and restart', async (t) => {
  const { registry, put, monitor, until } = createRealMonitor(t)
  const first = await mcpServer()
  const url = `http://127.0.0.1:${first.port}/mcp`
  put({ name: 'weather', url, health_check: 'mcp', health_check_interval: 1 })

  await until('weather', 'healthy')
  const { health, capabilities, version } = registry.get('default/weather')?.server ?? {}
  assert.equal(health?.protocol_version, '2026-07-28')
  assert.equal(health.reason, 'ok')
  assert.equal(version, '1.2.3')
  assert.deepEqual(
    capabilities?.map(({ name, origin }) => ({ name, origin })),
    [{ name: 'forecast', origin: 'introspected' }],
  )
  assert.ok((monitor.volatile('default/weather')?.response_time_ms ?? 0) > 0)

  await stop(first.server)
  await until('weather', 'degraded')
  await until('weather', 'unhealthy')
  assert.equal(registry.get('default/weather')?.server.health.reason, 'refused')
  assert.equal(registry.get('default/weather')?.server.capabilities.length, 1, 'its capabilities are kept')

  const second = await mcpServer(first.port)
  t.after(async () => stop(second.server))
  await until('weather', 'healthy')
  const { history = [] } = monitor.volatile('default/weather') ?? {}
  assert.deepEqual(
    history.slice(-2).map(({ ok }) => ok),
    [true, true],
  )
})

it('a port that accepts connections and never responds delays no other probe', async (t) => {
  const { put, monitor, until } = createRealMonitor(t, { timeout: 0.3 })
  const silentEnd = createTcpServer(() => undefined).listen(0, '127.0.0.1')
  await once(silentEnd, 'listening')
  const alive = await mcpServer()
  t.after(async () => {
    silentEnd.close()
    await stop(alive.server)
  })
  const { port } = silentEnd.address() as AddressInfo

  put(
    ...Array.from({ length: 8 }, (_, index) => ({
      name: `silent${index}`,
      url: `http://127.0.0.1:${port}/${index}`,
      health_check: 'mcp',
    })),
    { name: 'alive', url: `http://127.0.0.1:${alive.port}/mcp`, health_check: 'mcp' },
  )

  assert.equal((await monitor.probe('default/alive'))?.status, 'healthy')
  assert.equal((await monitor.probe('default/silent0'))?.reason, 'timeout')
  await until('silent7', 'degraded')
})
