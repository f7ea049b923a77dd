import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createWakeSignal } from '../../../src/flow/wake-signal.ts'
import type { Sighting, Source, SourceRun } from '../../../src/model/source.ts'
import { runAttempt } from '../../../src/registry/supervision/source-attempt.ts'

function start(source: Source, maxSilenceMs = 60_000) {
  const stop = new AbortController()
  const accepted: Sighting[] = []
  const pushed: Sighting[] = []
  const ended = runAttempt({
    source,
    stop: stop.signal,
    wake: createWakeSignal({ signal: stop.signal }),
    maxSilenceMs,
    accept: async (sighting) => {
      await turn()
      accepted.push(sighting)
    },
    push: (sighting) => pushed.push(sighting),
  })
  return { stop, accepted, pushed, ended }
}

const alive = { type: 'alive' } as const

describe('an attempt of a source', () => {
  it('accepts each sighting before the next is read, and ends with the source', async () => {
    const seen: number[] = []
    const { accepted, ended } = start(async function* () {
      yield alive
      seen.push(accepted.length)
      yield alive
      seen.push(accepted.length)
    })

    await ended

    assert.deepEqual(seen, [1, 2])
  })

  it('throws what the source throws', async () => {
    const { ended } = start(() => {
      throw new Error('connection lost')
    })

    await assert.rejects(ended, /connection lost/)
  })

  it('cuts off a source without sightings, and then ignores what it pushes', async () => {
    const attached = Promise.withResolvers<SourceRun>()
    const { pushed, ended } = start(async function* (run) {
      attached.resolve(run)
      await new Promise(() => {})
      yield alive
    }, 5)
    const run = await attached.promise
    run.push(alive)

    await assert.rejects(ended, /no sighting for 0.005 s/)
    run.push(alive)

    assert.equal(run.signal.aborted, true)
    assert.deepEqual(pushed, [alive])
  })
})
