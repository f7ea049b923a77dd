import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { AgentError, createAgent, type Injectable } from '../../../src/client/agent/index.ts'
import { until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { callTool } from './call-tool.ts'

type Call = Injectable<(args?: Record<string, unknown>) => unknown>

/** A daemon, with agents that beat fast. */
async function openMesh() {
  const daemon = await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n')
  const opened = new AsyncDisposableStack()
  opened.use(daemon)
  return {
    daemon,
    agent: (id: string) => opened.use(createAgent({ id, roster: daemon.url, health_interval: 0.1, signals: false })),
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  }
}

/** An agent with one tool that keeps what it is given as `clock`. */
async function consumerOf(mesh: Awaited<ReturnType<typeof openMesh>>, required = false) {
  const agent = mesh.agent('consumer')
  const kept: (Call | null)[] = []
  agent.tool('look', { dependencies: [{ capability: 'clock', required }] }, (_args, { clock }) => {
    kept.push(clock)
    return 'looked'
  })
  await agent.start()
  const look = async () => {
    const text = await callTool(agent.url, 'look')
    return { text, clock: kept.at(-1) ?? null }
  }
  return { agent, look, wired: async () => await until(async () => (await look()).clock ?? undefined) }
}

const failing = (code: string) => (error: unknown) => error instanceof AgentError && error.code === code

describe('a dependency of an agent', () => {
  it('is null until a provider comes, follows it, and is null after it left', async () => {
    await using mesh = await openMesh()
    const consumer = await consumerOf(mesh)
    assert.equal((await consumer.look()).clock, null)
    const old = mesh.agent('old')
    old.tool('now', { capability: 'clock' }, () => 1)
    await old.start()

    const clock = await consumer.wired()
    assert.equal(await clock(), 1)
    const better = mesh.agent('better')
    better.tool('time', { capability: 'clock', version: '2.0.0' }, () => 2)
    await better.start()
    await until(() => clock.provider?.agent_id === 'better')
    assert.equal(await clock(), 2)
    await better.close()
    await old.close()
    await until(async () => (await consumer.look()).clock === null)
  })

  it('says that its provider is gone, or its own agent closed, where a kept function is called', async () => {
    await using mesh = await openMesh()
    const consumer = await consumerOf(mesh)
    const provider = mesh.agent('provider')
    provider.tool('now', { capability: 'clock' }, () => 1)
    await provider.start()
    const clock = await consumer.wired()

    await provider.close()
    await until(() => clock.provider === null)
    await assert.rejects(clock(), failing('no_provider'))
    await consumer.agent.close()
    await assert.rejects(clock(), failing('agent_closed'))
  })

  it('answers a call that was under way when a better provider came', async () => {
    await using mesh = await openMesh()
    const consumer = await consumerOf(mesh)
    const entered = Promise.withResolvers<void>()
    const released = Promise.withResolvers<string>()
    const old = mesh.agent('old')
    old.tool('now', { capability: 'clock' }, () => (entered.resolve(), released.promise))
    await old.start()
    const clock = await consumer.wired()
    const call = clock()
    await entered.promise

    const better = mesh.agent('better')
    better.tool('time', { capability: 'clock', version: '2.0.0' }, () => 'better')
    await better.start()
    await until(() => clock.provider?.agent_id === 'better')
    assert.equal(await clock(), 'better')
    released.resolve('old')

    assert.equal(await call, 'old')
  })

  it('that is required refuses the call while there is no provider', async () => {
    await using mesh = await openMesh()
    const consumer = await consumerOf(mesh, true)

    assert.equal((await consumer.look()).text, 'look needs clock, which no agent provides now; try again later')
    const provider = mesh.agent('provider')
    provider.tool('now', { capability: 'clock' }, () => 1)
    await provider.start()

    assert.equal(await (await consumer.wired())(), 1)
  })

  it('in a circle of required ones is rejected at the start, with the circle', async () => {
    await using mesh = await openMesh()
    const first = mesh.agent('first')
    first.tool('a', { dependencies: [{ capability: 'b', required: true }] }, () => 1)
    await first.start()
    const second = mesh.agent('second')
    second.tool('b', { dependencies: [{ capability: 'a', required: true }] }, () => 1)

    await assert.rejects(second.start(), /the roster refuses the agent second: .*b → a → b/)
    assert.match(String(second.url), /^http:/)
    await assert.rejects(fetch(String(second.url)))
  })

  it('carries every value as the provider returned it', async () => {
    await using mesh = await openMesh()
    const values = [{ a: [1] }, [1, 2], 7, true, null, 'text', '{"looks":"like json"}', '[', '12']
    const provider = mesh.agent('provider')
    provider.tool('now', { capability: 'clock', schema: z.object({ at: z.number() }) }, ({ at }) => values[at])
    await provider.start()
    const clock = await (await consumerOf(mesh)).wired()

    for (const [at, value] of values.entries()) assert.deepEqual(await clock({ at }), value)
  })

  it('tells an error of the provider, rejected arguments, a timeout and an abort apart', async () => {
    await using mesh = await openMesh()
    const provider = mesh.agent('provider')
    provider.tool(
      'now',
      { capability: 'clock', schema: z.object({ how: z.string() }) },
      async ({ how }, _, { mcpReq }) => {
        if (how === 'throw') throw new Error('out of order')
        await once(mcpReq.signal, 'abort')
        return 'aborted'
      },
    )
    await provider.start()
    const clock = await (await consumerOf(mesh)).wired()

    await assert.rejects(clock({ how: 'throw' }), /now of provider failed: out of order/)
    await assert.rejects(clock({ how: 1 }), failing('call_failed'))
    await assert.rejects(clock({ how: 'wait' }, { timeoutMs: 50 }), failing('call_timeout'))
    await assert.rejects(clock({ how: 'wait' }, { signal: AbortSignal.timeout(50) }), failing('call_aborted'))
    await assert.rejects(clock({ how: 'wait' }, { signal: AbortSignal.abort() }), failing('call_aborted'))
  })
})
