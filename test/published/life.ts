import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until } from '../e2e/daemon-process.ts'
import { pythonOf, type Runtime } from './installation.ts'
import { type PublishedAgent, startAgent } from './published-agent.ts'
import { openRegistry, type RegistryProcess, timeoutSeconds } from './registry-process.ts'

type Kind = { readonly script: string; readonly args?: readonly string[] }

/** Seconds for starts of processes, which a loaded machine delays. */
const startSeconds = 90

/**
 * The life of a consumer and two providers of one published runtime in our registry: each test continues where the one before it
 * ended.
 */
export function livesInTheMesh(
  title: string,
  {
    runtime,
    provider,
    consumer,
  }: {
    runtime: Runtime
    provider: Kind
    consumer: Kind & { /** What it prints once its provider is there. */ readonly prints?: readonly string[] }
  },
): void {
  const { python, skip } = pythonOf(runtime)

  describe(title, { skip }, () => {
    let registry: RegistryProcess
    let relay: PublishedAgent
    let first: PublishedAgent
    let better: PublishedAgent
    const opened = new AsyncDisposableStack()
    let isIntact = true

    const open = async ({ script, args = [] }: Kind, name: string, more: readonly string[] = []) =>
      opened.use(await startAgent(python, script, { name, registry: registry.url, args: [...args, ...more] }))
    const relayed = async () => await relay.call('relay', { who: 'bob' })
    const relays = async (text: string) => await until(async () => (await relayed()) === text)

    /** Stops an agent as a service manager does; it unregisters before it ends. */
    async function leaves(agent: PublishedAgent, id: string): Promise<void> {
      const deletions = () => registry.requests().filter((line) => line === `DELETE /agents/${id} 204`).length
      const earlier = deletions()
      assert.equal(await agent.end('SIGTERM'), 0)
      await until(() => deletions() === earlier + 1)
    }

    /** A test that needs the state that the one before it left: after a failure the others are skipped. */
    function step(name: string, run: () => void | Promise<void>): void {
      it(name, async (test) => {
        if (!isIntact) return test.skip('an earlier step failed')
        isIntact = false
        try {
          await run()
        } catch (error) {
          for (const { name, printed } of [relay, first, better]) test.diagnostic(`${name} printed:\n${printed()}`)
          throw error
        }
        isIntact = true
      })
    }

    before(async () => {
      registry = opened.use(await openRegistry())
      relay = await open(consumer, 'relay')
      first = await open(provider, 'hello')
      better = await open(provider, 'better', ['--version', '2.0.0', '--wait'])
    })
    after(async () => await opened.disposeAsync())

    step('agent publishes its capability, its endpoint and its resolved dependencies', async () => {
      await until(async () => (await registry.agent('relay'))?.dependencies_resolved === 1, startSeconds)
      const hello = await registry.agent('hello')
      const consuming = await registry.agent('relay')
      const { capabilities } = await registry.json<{ capabilities: Record<string, unknown>[] }>(
        '/capabilities?name=greeting&exact=true',
      )

      assert.equal(hello?.status, 'healthy')
      assert.equal(hello.endpoint, first.endpoint)
      assert.deepEqual(
        hello.capabilities
          .filter(({ name }) => name === 'greeting')
          .map(({ name, version, tags }) => [name, version, tags]),
        [['greeting', '1.0.0', ['en']]],
      )
      assert.deepEqual([consuming?.status, consuming?.endpoint], ['healthy', relay.endpoint])
      assert.equal(consuming?.total_dependencies, 1)
      assert.deepEqual(
        capabilities.map(({ agent_id, agent_endpoint }) => [agent_id, agent_endpoint]),
        [[hello.id, first.endpoint]],
      )
    })

    step('consumer calls the provider that its dependency resolved to', async () => {
      await relays('relayed: hello bob from hello 1.0.0')
      for (const line of consumer.prints ?? []) await until(() => relay.printed().includes(line))
    })

    step('consumer moves to a provider of a higher version', async () => {
      better.release()

      await relays('relayed: hello bob from better 2.0.0')
    })

    step('consumer moves back once that provider stops, and the provider is gone', async () => {
      const { id } = (await registry.agent('better')) ?? assert.fail('better is not registered')

      await leaves(better, id)

      assert.equal(await registry.agent('better'), undefined)
      await relays('relayed: hello bob from hello 1.0.0')
    })

    step('consumer and provider outlive a kill -9 and a restart of the registry', async () => {
      await registry.kill()
      assert.equal(await relayed(), 'relayed: hello bob from hello 1.0.0')
      await registry.restart()

      for (const name of ['hello', 'relay'] as const) {
        const { id } = (await registry.agent(name)) ?? assert.fail(`${name} is not registered`)
        await until(() => registry.requests().some((line) => line.includes('/heartbeat') && line.includes(id)))
        assert.equal((await registry.agent(name))?.status, 'healthy')
      }
      assert.equal(await relayed(), 'relayed: hello bob from hello 1.0.0')
    })

    step('agents that the registry has forgotten register again by themselves', async () => {
      for (const name of ['hello', 'relay']) {
        await registry.remove((await registry.agent(name))?.id ?? '')
      }

      await until(async () => (await registry.agent('relay'))?.dependencies_resolved === 1)
      await relays('relayed: hello bob from hello 1.0.0')
    })

    step('consumer of a killed provider is unwired within the thresholds of the provider', async () => {
      await first.end('SIGKILL')
      const killed = performance.now()

      await until(async () => (await registry.agent('hello'))?.status === 'unhealthy')
      // What a loaded machine delays comes on top.
      assert.ok(performance.now() - killed < (timeoutSeconds + 5) * 1000)
      await relays('unresolved')
      assert.equal((await registry.agent('relay'))?.dependencies_resolved, 0)
    })

    step('agent that is stopped is gone', async () => {
      const { id } = (await registry.agent('relay')) ?? assert.fail('relay is not registered')

      await leaves(relay, id)

      assert.equal(await registry.agent('relay'), undefined)
    })

    step('no request of an agent was an error', () => {
      // 410 asks for a registration, 503 for a moment until the store is read.
      const failed = registry.requests().filter((line) => /(heartbeat|DELETE).* [45]\d\d$/.test(line))
      const expected = failed.filter((line) => /^HEAD .* 410$| 503$/.test(line))

      assert.deepEqual(failed, expected)
    })
  })
}
