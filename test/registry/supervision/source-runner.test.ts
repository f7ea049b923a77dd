import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { type SourceRun, type Sighting, SourceError } from '../../../src/model/source.ts'
import { picture, plan, world } from './test-sources.ts'

describe('a refresh', () => {
  it('of a source that fails before it looks is answered with why, and makes one attempt', async () => {
    const { supervisor } = world()
    await using _ = supervisor
    let attempts = 0
    const open = () =>
      async function* (): AsyncGenerator<Sighting> {
        attempts += 1
        await turn()
        if (attempts > 0) throw new SourceError('the kubeconfig cannot be read', { retry_after: 3600 })
        yield picture()
      }
    await supervisor.apply([plan('cluster', open)])
    await supervisor.settled()

    const { error } = await supervisor.refresh('cluster', 1000)
    await pause(20)

    assert.equal(error, 'the kubeconfig cannot be read')
    assert.equal(attempts, 2)
  })

  it('is answered when the source is stopped before it has looked', async () => {
    const { supervisor } = world()
    await using _ = supervisor
    const busy = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        run.wake.take()
        yield picture('weather')
        await new Promise((resolve) => run.signal.addEventListener('abort', resolve))
      }
    await supervisor.apply([plan('files', busy)])
    await supervisor.settled()

    const asked = supervisor.refresh('files', 1000)
    await supervisor.apply([])

    assert.equal((await asked).error, 'the source was stopped')
  })
})

describe('an attempt', () => {
  it('that is cut leaves nobody waiting for a wish', async () => {
    const { supervisor } = world()
    await using _ = supervisor
    const left: Promise<void>[] = []
    const again = Promise.withResolvers<void>()
    const open = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        if (left.push(run.wake.wait()) === 2) again.resolve()
        await new Promise(() => {})
        yield picture()
      }
    await supervisor.apply([plan('hung', open, { maxSilenceMs: 20 })])

    await again.promise

    assert.equal(await Promise.race([left[0]?.then(() => 'gone'), pause(500, 'still waiting')]), 'gone')
  })

  it('that shows something ends that the source is disabled', async () => {
    const { supervisor, until, names, state } = world()
    await using _ = supervisor
    let isInside = false
    const open = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        run.wake.take()
        yield isInside ? picture('weather') : { type: 'alive', note: 'not in a cluster' }
        if (isInside) await run.wake.wait()
      }
    await supervisor.apply([plan('cluster', open)])
    await supervisor.refresh('cluster')
    assert.equal(state('cluster'), 'disabled')

    isInside = true
    await supervisor.refresh('cluster')
    await until(() => names().length === 1)

    assert.equal(state('cluster'), 'synced')
  })
})
