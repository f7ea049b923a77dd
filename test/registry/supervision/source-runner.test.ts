import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { type SourceRun, type Sighting, SourceError } from '../../../src/model/source.ts'
import { picture, sourcePlan, createTestSupervisor } from './test-sources.ts'

describe('a refresh of a source', () => {
  it('reports the error of a source that fails before it reads, after one attempt', async () => {
    const { supervisor } = createTestSupervisor()
    await using _ = supervisor
    let attempts = 0
    const open = () =>
      async function* (): AsyncGenerator<Sighting> {
        attempts += 1
        await turn()
        if (attempts > 0) throw new SourceError('the kubeconfig cannot be read', { retry_after: 3600 })
        yield picture()
      }
    await supervisor.apply([sourcePlan('cluster', open)])
    await supervisor.settled()

    const { error } = await supervisor.refresh('cluster', 1000)
    await pause(20)

    assert.equal(error, 'the kubeconfig cannot be read')
    assert.equal(attempts, 2)
  })

  it('ends when the source is stopped before it has read', async () => {
    const { supervisor } = createTestSupervisor()
    await using _ = supervisor
    const busy = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        run.wake.take()
        yield picture('weather')
        await new Promise((resolve) => run.signal.addEventListener('abort', resolve))
      }
    await supervisor.apply([sourcePlan('files', busy)])
    await supervisor.settled()

    const refresh = supervisor.refresh('files', 1000)
    await supervisor.apply([])

    assert.equal((await refresh).error, 'the source was stopped')
  })
})

describe('an attempt of a source', () => {
  it('releases its waiters when it is cut off', async () => {
    const { supervisor } = createTestSupervisor()
    await using _ = supervisor
    const waits: Promise<void>[] = []
    const secondAttempt = Promise.withResolvers<void>()
    const open = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        if (waits.push(run.wake.wait()) === 2) secondAttempt.resolve()
        await new Promise(() => {})
        yield picture()
      }
    await supervisor.apply([sourcePlan('hung', open, { maxSilenceMs: 20 })])

    await secondAttempt.promise

    assert.equal(await Promise.race([waits[0]?.then(() => 'released'), pause(500, 'still waiting')]), 'released')
  })

  it('enables a disabled source again when it shows a picture', async () => {
    const { supervisor, until, names, state } = createTestSupervisor()
    await using _ = supervisor
    let isInside = false
    const open = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        run.wake.take()
        yield isInside ? picture('weather') : { type: 'alive', note: 'not in a cluster' }
        if (isInside) await run.wake.wait()
      }
    await supervisor.apply([sourcePlan('cluster', open)])
    await supervisor.refresh('cluster')
    assert.equal(state('cluster'), 'disabled')

    isInside = true
    await supervisor.refresh('cluster')
    await until(() => names().length === 1)

    assert.equal(state('cluster'), 'synced')
  })
})
