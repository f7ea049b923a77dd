import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until } from '../e2e/daemon-process.ts'
import { pythonOf } from './installation.ts'
import { type PublishedAgent, startAgent } from './published-agent.ts'
import { openRegistry, type RegistryProcess } from './registry-process.ts'

const { python, skip } = pythonOf('3.8.0')

/** Seconds for starts of processes, which a loaded machine delays. */
const startSeconds = 90

/**
 * Two agents of our library and a published one of Python, each a process, in a registry that is one too. Each test continues
 * where the one before it ended.
 */
describe('two TypeScript agents and a published Python agent', { skip }, () => {
  let registry: RegistryProcess
  let relay: PublishedAgent
  let left: PublishedAgent
  let right: PublishedAgent
  const opened = new AsyncDisposableStack()
  let isIntact = true

  const open = async (runtime: string, script: string, name: string, args: readonly string[]) =>
    opened.use(await startAgent(runtime, script, { name, registry: registry.url, args }))
  const openPython = () => open(python, 'consumer', 'relay', [])
  const openLeft = () => open(process.execPath, 'typescript.ts', 'left', [])
  const rightArgs = ['--version', '2.0.0', '--offers', 'right', '--takes', 'left']
  const openRight = (args: readonly string[] = rightArgs) => open(process.execPath, 'typescript.ts', 'right', args)
  const answers = async (agent: PublishedAgent, tool: string, text: string) =>
    await until(async () => (await agent.call(tool, { who: 'bob' })) === text, startSeconds)

  /** A test that needs the state that the one before it left: after a failure the others are skipped. */
  function step(name: string, run: () => Promise<void>): void {
    it(name, async (test) => {
      if (!isIntact) return test.skip('an earlier step failed')
      isIntact = false
      try {
        await run()
      } catch (error) {
        for (const { name, printed } of [relay, left, right]) test.diagnostic(`${name} printed:\n${printed()}`)
        throw error
      }
      isIntact = true
    })
  }

  before(async () => {
    registry = opened.use(await openRegistry())
    relay = await openPython()
    left = await openLeft()
    right = await openRight([...rightArgs, '--wait'])
  })
  after(async () => await opened.disposeAsync())

  step('agents of both languages call each other: TypeScript, Python and back', async () => {
    await answers(left, 'ask', 'relayed: hello bob from left 1.0.0')
    assert.equal(await left.call('meet', { who: 'bob' }), 'no partner')
  })

  step('each is wired to the better version and to the partner that come', async () => {
    right.release()

    await answers(left, 'ask', 'relayed: hello bob from right 2.0.0')
    await answers(left, 'meet', 'bob met right')
    await answers(right, 'meet', 'bob met left')
  })

  step('agents call each other while the registry is killed, and are the same after its return', async () => {
    await registry.kill()
    assert.equal(await left.call('ask', { who: 'bob' }), 'relayed: hello bob from right 2.0.0')
    assert.equal(await right.call('meet', { who: 'bob' }), 'bob met left')
    await registry.restart()

    await until(() => registry.requests().filter((line) => /\/heartbeat\/(left|right)-ts 20\d$/.test(line)).length >= 2)
    assert.equal(await left.call('meet', { who: 'bob' }), 'bob met right')
  })

  step('agents register again with a registry that was killed and lost its store', async () => {
    await registry.kill()
    await registry.restart({ empty: true })

    await until(async () => (await registry.agents()).length === 3)
    await answers(left, 'ask', 'relayed: hello bob from right 2.0.0')
    await answers(right, 'meet', 'bob met left')
  })

  step('dependencies on a killed agent are null within its thresholds, and go to what is left', async () => {
    await right.end('SIGKILL')

    await answers(left, 'meet', 'no partner')
    await answers(left, 'ask', 'relayed: hello bob from left 1.0.0')
  })

  step('dependencies on a killed Python agent are null, and are back with both agents', async () => {
    await relay.end('SIGKILL')
    await answers(left, 'ask', 'no relay')

    relay = await openPython()
    right = await openRight()

    await answers(left, 'ask', 'relayed: hello bob from right 2.0.0')
    await answers(left, 'meet', 'bob met right')
  })

  step('an agent that is told to end leaves the registry first', async () => {
    assert.equal(await right.end('SIGTERM'), 0)

    assert.equal(await registry.agent('right'), undefined)
    assert.ok(registry.requests().includes('DELETE /agents/right-ts 204'))
    await answers(left, 'meet', 'no partner')
  })
})
