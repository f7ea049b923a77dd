import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../e2e/daemon-process.ts'
import { openSoak, type Scenario } from '../scenario.ts'
import { watchServers } from '../watcher.ts'

type Answer = { readonly status: number; readonly text: string }

/** Sends a request on the agent's connection; returns whether the connection failed or was cut. */
function ask(
  url: string,
  { method = 'GET', body, agent }: { method?: string; body?: unknown; agent: Agent },
): Promise<Answer | 'refused' | 'cut'> {
  const { promise, resolve } = Promise.withResolvers<Answer | 'refused' | 'cut'>()
  let begun = false
  const asked = httpRequest(url, { method, agent, headers: { 'content-type': 'application/json' } }, (response) => {
    begun = true
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => (text += chunk))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    response.on('error', () => resolve('cut'))
  })
  asked.on('error', (error: NodeJS.ErrnoException) => {
    // Cut before any byte of the response: the request was not accepted and may be retried.
    resolve(begun || (error.code !== 'ECONNREFUSED' && error.code !== 'ECONNRESET') ? 'cut' : 'refused')
  })
  asked.end(body === undefined ? undefined : JSON.stringify(body))
  return promise
}

const sigterm: Scenario = {
  name: 'sigterm',
  what: 'SIGTERM under load: every response in flight is complete, exit 0 within 10 s',
  limitSeconds: ({ of }) => of(180, 60),
  async run({ of }) {
    const rounds = of(10, 3)
    let answered = 0
    let refused = 0
    let longest = 0
    for (let round = 0; round < rounds; round += 1) {
      await using soak = await openSoak()
      const servers = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`s${n}`, { command: 'x' }]))
      writeFileSync(soak.folder.at('many.json'), JSON.stringify({ servers }))
      soak.writeConfig(`sources:\n  - { type: file, paths: [${soak.folder.at('many.json')}] }\n`)
      const daemon = soak.daemon()
      await daemon.get('/-/reload', { method: 'POST' })
      await until(async () => (await daemon.json<{ servers: unknown[] }>('/servers?limit=500')).servers.length === 500)
      const watching = Array.from({ length: 100 }, () => watchServers(daemon.url, { onEvent: () => undefined }))
      await until(() => watching.every(({ connections }) => connections() === 1))
      const agent = new Agent({ keepAlive: true, maxSockets: 64 })
      const over = new AbortController()
      const load = Array.from({ length: 64 }, async () => {
        while (!over.signal.aborted) {
          const answer = await ask(`${daemon.url}/servers`, { agent })
          assert.notEqual(answer, 'cut', 'an answer was cut in the middle')
          if (typeof answer === 'string') {
            refused += 1
            return
          }
          assert.equal(answer.status, 200)
          assert.equal((JSON.parse(answer.text) as { servers: unknown[] }).servers.length, 500)
          answered += 1
        }
      })
      await pause(200 + Math.random() * 500)
      const began = performance.now()
      daemon.child.kill('SIGTERM')
      if (round % 2 === 1) daemon.child.kill('SIGTERM')
      const [code] = await daemon.exited
      longest = Math.max(longest, performance.now() - began)
      over.abort()
      await Promise.all(load)
      agent.destroy()
      await Promise.all(watching.map(({ close }) => close()))
      assert.equal(code, 0)
      assert.ok(longest < 10_000)
    }
    return { rounds, answered, refused_after: refused, longest_exit_ms: Math.round(longest) }
  },
}

const suspend: Scenario = {
  name: 'suspend',
  what: 'stopped for longer than a lease: agents that keep beating stay, dead agents expire',
  limitSeconds: ({ of }) => of(360, 60),
  async run({ of }) {
    const [timeout, eviction] = [of(60, 2), of(120, 4)]
    const agents = `health: { agents: { timeout_threshold: ${timeout}, eviction_threshold: ${eviction} } }`
    await using soak = await openSoak({ config: `sources:\n  - { type: agents }\n${agents}\n` })
    const daemon = soak.daemon()
    const agent = new Agent({ keepAlive: true })
    const living = Array.from({ length: 20 }, (_, n) => `living-${n}`)
    const dead = ['dead-0', 'dead-1']
    for (const id of [...living, ...dead]) {
      const answer = await ask(`${daemon.url}/agents/register_with_metadata`, {
        method: 'POST',
        body: { agent_id: id, metadata: { name: id, capabilities: [] } },
        agent,
      })
      assert.ok(typeof answer !== 'string' && answer.status === 201, JSON.stringify(answer))
    }
    const over = new AbortController()
    const beating = living.map(async (id, n) => {
      await pause(n * 20)
      while (!over.signal.aborted) {
        await ask(`${daemon.url}/heartbeat`, { method: 'POST', body: { agent_id: id, status: 'healthy' }, agent })
        await pause((timeout * 1000) / 4)
      }
    })
    const lapsed: string[] = []
    const watcher = watchServers(daemon.url, {
      onEvent: ({ type, server }) => {
        const { name, status } = (server ?? {}) as { name?: string; status?: string }
        if (name?.startsWith('living') && (type === 'DELETED' || /unhealthy|offline/.test(status ?? '')))
          lapsed.push(`${type} ${name} ${status}`)
      },
    })
    await until(() => watcher.connections() === 1)
    await pause(of(5000, 1000))
    const stopped = of(eviction + 10, eviction + 2)
    daemon.child.kill('SIGSTOP')
    await pause(stopped * 1000)
    daemon.child.kill('SIGCONT')
    const began = performance.now()
    await until(
      async () => {
        const { servers } = await daemon.json<{ servers: { name: string; status: string }[] }>('/servers')
        return dead.every((id) => /unhealthy|offline/.test(servers.find(({ name }) => name === id)?.status ?? ''))
      },
      of(200, 30),
    )
    const deadMs = Math.round(performance.now() - began)
    const { servers } = await daemon.json<{ servers: { name: string; status: string }[] }>('/servers')
    over.abort()
    await Promise.all(beating)
    await watcher.close()
    agent.destroy()
    assert.deepEqual(lapsed, [], 'a living agent was shown as gone')
    assert.ok(living.every((id) => servers.find(({ name }) => name === id)?.status === 'healthy'))
    return {
      timeout_s: timeout,
      stopped_s: stopped,
      agents: living.length,
      false_expiries: lapsed.length,
      dead_told_after_ms: deadMs,
    }
  },
}

export const lives: readonly Scenario[] = [sigterm, suspend]
