import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type AgentEvent, type AgentOptions, createAgent } from '../../../src/client/agent/index.ts'
import { start, temporary, until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { freePort } from '../../programs.ts'
import { callTool } from './call-tool.ts'

const config = 'sources: [{ type: agents }]\nstore: { type: memory }\n'

/** An agent with one tool, which beats fast and keeps its events. */
function beatingAgent(options: Partial<AgentOptions>) {
  const events: AgentEvent[] = []
  const onEvent = (event: AgentEvent) => void events.push(event)
  const agent = createAgent({ id: 'agent', health_interval: 0.05, signals: false, onEvent, ...options })
  agent.tool('hello', {}, () => 'hello')
  const happened = async (type: AgentEvent['type'], times = 1) =>
    await until(() => events.filter((event) => event.type === type).length >= times)
  return { agent, events, happened, [Symbol.asyncDispose]: agent.close }
}

describe('the lease of an agent', () => {
  it('begins once the roster is there, while the agent serves, and again where the roster has lost it', async () => {
    const port = await freePort()
    await using world = beatingAgent({ roster: `http://127.0.0.1:${port}` })
    await world.agent.start()
    assert.equal(await callTool(world.agent.url, 'hello'), 'hello')
    assert.ok(world.events.every(({ type }) => type === 'disconnected'))

    for (const times of [1, 2]) {
      using home = temporary()
      await using daemon = await start(['--host', '127.0.0.1', '--port', String(port)], { home: home.path })
      await world.happened('registered', times)
      assert.equal((await daemon.get('/agents/agent')).status, 200)
    }
  })

  it('waits for a roster whose name is not known yet, while the agent serves', async () => {
    await using world = beatingAgent({ roster: 'http://roster.invalid:8000', host: '::' })

    await world.agent.start()

    assert.equal(await callTool(world.agent.url, 'hello'), 'hello')
    const [first] = world.events
    assert.ok(first?.type === 'disconnected')
    assert.match(
      first.error.message,
      /address that others reach it by.*roster\.invalid cannot be looked up or reached \(ENOTFOUND\).*"endpoint"/,
    )
  })

  for (const [name, failure, reason] of [
    ['answers false', () => false, /the check answered false/],
    ['throws', () => Promise.reject(new Error('no disk')), /the check failed: no disk/],
    ['hangs', () => new Promise<boolean>(() => undefined), /no answer within 0.05 s/],
  ] as const) {
    it(`is not renewed while the agent's own check ${name}`, async () => {
      await using daemon = await startHere(config)
      let check: () => boolean | Promise<boolean> = () => true
      let hanging: (() => void) | undefined
      await using world = beatingAgent({
        roster: daemon.url,
        ...(name === 'hangs' && { check_timeout: 0.05 }),
        check: () => Promise.race([check(), new Promise<boolean>((resolve) => (hanging = () => resolve(true)))]),
      })
      await world.agent.start()

      check = failure
      await world.happened('suspended')
      const unwell = await fetch(`${world.agent.url}/health`)
      check = () => true
      hanging?.()
      await world.happened('resumed')

      const suspended = world.events.find((event) => event.type === 'suspended')
      assert.match(suspended?.reason ?? '', reason)
      assert.equal(unwell.status, 503)
      assert.equal((await fetch(`${world.agent.url}/health`)).status, 200)
    })
  }

  it("is taken once the agent's own check, which threw without a promise, answers true", async () => {
    await using daemon = await startHere(config)
    let checks = 0
    await using world = beatingAgent({
      roster: daemon.url,
      check: () => {
        if (checks++ === 0) throw new Error('not yet')
        return true
      },
    })

    await world.agent.start()
    await world.happened('registered')

    const suspended = world.events.find((event) => event.type === 'suspended')
    assert.match(suspended?.reason ?? '', /the check failed: not yet/)
  })

  it('ends when the agent closes, after the calls that are under way', async () => {
    await using daemon = await startHere(config)
    await using world = beatingAgent({ roster: daemon.url })
    const entered = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    world.agent.tool('slow', {}, async () => {
      entered.resolve()
      await released.promise
      return 'done'
    })
    await world.agent.start()
    const call = callTool(world.agent.url, 'slow')
    await entered.promise

    const closed = world.agent.close()
    await world.happened('left')
    assert.equal((await daemon.get('/agents/agent')).status, 404)
    released.resolve()

    assert.equal(await call, 'done')
    await closed
    await assert.rejects(world.agent.start(), { code: 'agent_closed' })
  })

  it('ends in bounded time where a call hangs', async () => {
    await using daemon = await startHere(config)
    const world = beatingAgent({ roster: daemon.url, close_timeout: 0.2 })
    const entered = Promise.withResolvers<void>()
    world.agent.tool('hang', {}, () => {
      entered.resolve()
      return new Promise(() => undefined)
    })
    await world.agent.start()
    const call = callTool(world.agent.url, 'hang').catch(() => 'cut')
    await entered.promise

    await world.agent.close()

    assert.equal(await call, 'cut')
  })

  it('is not waited for where the roster hangs', async () => {
    await using roster = createServer((socket) => void socket.resume()).listen(0, '127.0.0.1')
    await once(roster, 'listening')
    const { port } = roster.address() as { port: number }
    const world = beatingAgent({ roster: `http://127.0.0.1:${port}`, close_timeout: 0.2 })
    const started = assert.rejects(world.agent.start(), { code: 'agent_closed' })
    await once(roster, 'connection')

    await world.agent.close()

    await started
    assert.deepEqual(
      world.events.map(({ type }) => type),
      ['left'],
    )
  })

  it('ends when a signal of the caller aborts', async () => {
    await using daemon = await startHere(config)
    const controller = new AbortController()
    await using world = beatingAgent({ roster: daemon.url, signal: controller.signal })
    await world.agent.start()

    controller.abort()
    await world.happened('left')

    assert.equal((await daemon.get('/agents/agent')).status, 404)
  })

  it('ends when its process is told to end, whose exit code is 0 then', async () => {
    await using daemon = await startHere(config)
    const script = join(import.meta.dirname, '../../published/agents/typescript.ts')
    const child = spawn(process.execPath, [script, '--registry', daemon.url], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    assert.equal((await daemon.get('/agents/agent-ts')).status, 200)

    child.kill('SIGTERM')

    assert.deepEqual(await once(child, 'exit'), [0, null])
    assert.equal((await daemon.get('/agents/agent-ts')).status, 404)
  })
})
