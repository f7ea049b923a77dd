import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { type Running, start, temporary, until } from '../e2e/daemon-process.ts'
import { freePort } from '../programs.ts'

/** An agent in `GET /agents`, as far as these tests look at it. */
export type ListedAgent = {
  id: string
  name: string
  status: string
  endpoint: string
  dependencies_resolved: number
  total_dependencies: number
  capabilities: { name: string; version: string; tags: string[] }[]
}

export type RegistryProcess = Awaited<ReturnType<typeof openRegistry>>

/** Silence after which an agent is unhealthy; agents of these tests send a heartbeat each second. */
export const timeoutSeconds = 5

/** The daemon as a process on a port and a store that outlive it, with a line in its log for each request. */
export async function openRegistry() {
  const folder = temporary()
  const port = String(await freePort())
  const config = folder.at('config.yaml')
  writeFileSync(
    config,
    `sources: [{ type: agents }]
log: { access: true }
health: { agents: { timeout_threshold: ${timeoutSeconds}, eviction_threshold: 60 } }
`,
  )
  const run = () => start(['--host', '127.0.0.1', '--port', port, '--config', config], { home: folder.path })
  let daemon: Running = await run()

  const agents = async () => (await daemon.json<{ agents: ListedAgent[] }>('/agents')).agents

  return {
    url: `http://127.0.0.1:${port}`,
    agents,
    /** The agent of that name; undefined while it is not registered. */
    agent: async (name: string) =>
      (await agents()).find((agent) => agent.name === name || agent.id.startsWith(`${name}-`)),
    json: <T>(path: string) => daemon.json<T>(path),
    remove: async (id: string) => assert.equal((await daemon.get(`/agents/${id}`, { method: 'DELETE' })).status, 204),
    /** Requests that agents sent since the last start: `HEAD /heartbeat/hello-core 200`. */
    requests: () =>
      daemon.lines
        .filter(({ msg }) => msg === 'request')
        .map(({ method, path, status }) => `${String(method)} ${String(path)} ${String(status)}`),
    kill: async () => {
      daemon.child.kill('SIGKILL')
      await daemon.exited
    },
    /** Starts it again, as it was or with an empty store. */
    restart: async ({ empty = false } = {}) => {
      if (empty) rmSync(folder.at('state'), { recursive: true })
      daemon = await run()
      await until(async () => (await daemon.get('/agents')).status === 200)
    },
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}
