import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createWakeSignal } from '../../src/flow/wake-signal.ts'
import type { Sighting } from '../../src/model/source.ts'
import { createPushSources } from '../../src/registrations/push-sources.ts'

/** One publisher, and its source read step by step. */
function createRun({ note }: { note?: string } = {}) {
  const loaded = Promise.withResolvers<void>()
  let isLoaded = false
  const sources = createPushSources({ loaded: loaded.promise, isLoaded: () => isLoaded, note: () => note })
  let attached: ((sighting: Sighting) => void) | undefined
  const publisher = {
    attach: (push: (sighting: Sighting) => void): Sighting => {
      attached = push
      return { type: 'picture', readings: [] }
    },
    detach: (push: (sighting: Sighting) => void) => {
      if (attached === push) attached = undefined
    },
  }
  const open = () => {
    const stop = new AbortController()
    const pushed: Sighting[] = []
    const wake = createWakeSignal({ signal: stop.signal })
    const run = { signal: stop.signal, wake, push: (sighting: Sighting) => void pushed.push(sighting) }
    const sightings = sources.sourceOf(publisher)(run)[Symbol.asyncIterator]()
    return { pushed, wake, next: () => sightings.next(), stop: () => stop.abort() }
  }
  return {
    open,
    publish: (sighting: Sighting) => attached?.(sighting),
    isAttached: () => attached !== undefined,
    isPublished: () => sources.isPublished(publisher),
    load: () => {
      isLoaded = true
      loaded.resolve()
    },
  }
}

const change = (id: string): Sighting => ({ type: 'change', readings: [], gone: [id] })
const macrotask = () => new Promise((resolve) => setImmediate(resolve))

describe('push sources', () => {
  it('changes made while the registry takes the picture follow it', async () => {
    const source = createRun()
    source.load()
    const run = source.open()
    assert.deepEqual((await run.next()).value, { type: 'picture', readings: [] })
    assert.equal(source.isPublished(), false)

    source.publish(change('a'))
    assert.deepEqual(run.pushed, [])
    const next = run.next()
    await macrotask()

    assert.deepEqual(run.pushed, [change('a')])
    assert.equal(source.isPublished(), true)
    source.publish(change('b'))
    assert.deepEqual(run.pushed, [change('a'), change('b')])
    run.stop()
    assert.equal((await next).done, true)
    assert.deepEqual([source.isPublished(), source.isAttached()], [false, false])
  })

  it('the picture waits until the registrations are loaded', async () => {
    const source = createRun()
    const run = source.open()
    const first = run.next()
    await macrotask()
    assert.equal(source.isAttached(), false)

    source.load()

    assert.equal(((await first).value as Sighting).type, 'picture')
    run.stop()
    await run.next()
  })

  it('a refresh yields a sign of life with the remark on the store', async () => {
    const source = createRun({ note: 'the store is down' })
    source.load()
    const run = source.open()
    await run.next()
    const next = run.next()
    await macrotask()

    run.wake.raise()

    assert.deepEqual((await next).value, { type: 'alive', note: 'the store is down' })
    run.stop()
    await run.next()
  })

  it('a run that ends late does not withdraw the picture of its successor', async () => {
    const source = createRun()
    source.load()
    const [old, successor] = [source.open(), source.open()]
    const steps: Promise<unknown>[] = []
    for (const run of [old, successor]) {
      await run.next()
      steps.push(run.next())
      await macrotask()
    }

    old.stop()
    await steps[0]

    assert.deepEqual([source.isPublished(), source.isAttached()], [true, true])
    successor.stop()
    await steps[1]
    assert.equal(source.isPublished(), false)
  })
})
