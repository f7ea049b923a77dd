import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { ChangeBatch } from '../../../src/stores/driver.ts'
import { followChanges } from '../../../src/stores/pipeline/change-follower.ts'
import type { StoreChange } from '../../../src/stores/store.ts'

/** Follows a database that answers each look with the next of `answers`, and with the last of them from then on. */
function following(answers: readonly (readonly StoreChange[])[]) {
  const stop = new AbortController()
  let looks = 0
  let poke = () => {}
  const news = followChanges({
    since: '0',
    signal: stop.signal,
    look: async (cursor): Promise<ChangeBatch> => {
      const found = answers[Math.min(looks, answers.length - 1)] ?? []
      looks += 1
      return { compacted: false, cursor, changes: found }
    },
    load: () => assert.fail('nothing was lost'),
    periodMs: () => undefined,
    onPoke: (ring) => {
      poke = ring
      return () => {}
    },
    onError: (error) => assert.fail(String(error)),
  })
  return { news, looks: () => looks, poke: () => poke(), stop: () => stop.abort() }
}

const beats: StoreChange = { type: 'heartbeats', heartbeats: [{ name: 'a', age_ms: 5 }] }
const deleted: StoreChange = { type: 'deleted', kind: 'agent', namespace: 'default', name: 'a', resource_version: '1' }

/** As many turns of the event loop as any number of looks would take that nothing holds up. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate()
}

describe('following a store', () => {
  it('looks no sooner again for heartbeats, which it is told more than once', async () => {
    const { news, looks, poke, stop } = following([[beats]])
    assert.deepEqual((await news.next()).value, [beats])

    const next = news.next()
    await turns()
    assert.equal(looks(), 1)
    poke()

    assert.deepEqual((await next).value, [beats])
    assert.equal(looks(), 2)
    stop()
    assert.equal((await news.next()).done, true)
  })

  it('looks at once again after a write: there may be more than one page of them', async () => {
    const { news, looks, stop } = following([[deleted], [deleted, beats], []])
    await news.next()
    await news.next()

    const end = news.next()
    await turns()
    assert.equal(looks(), 3)
    stop()
    assert.equal((await end).done, true)
  })
})
