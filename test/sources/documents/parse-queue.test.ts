import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SourceError } from '../../../src/model/source.ts'
import { createParseScheduler } from '../../../src/sources/documents/parse-queue.ts'
import { CostlyDocumentError } from '../../../src/sources/documents/parse-thread.ts'
import { emptyListing, type ServerListing } from '../../../src/sources/documents/server-listing.ts'

/** A thread on which each text takes the milliseconds that it states, on a clock of its own. */
function scheduled({ backsOff = false, limitMs = Infinity } = {}) {
  const parsed: string[] = []
  let time = 0
  const scheduler = createParseScheduler({
    backsOff,
    now: () => time,
    thread: {
      async parse(text): Promise<ServerListing> {
        parsed.push(text)
        const ms = Number(/\d+/.exec(text)?.[0])
        time += Math.min(ms, limitMs)
        if (ms > limitMs) throw new CostlyDocumentError('takes too long', { class: 'config' })
        return emptyListing
      },
    },
  })
  return { ...scheduler, parsed, advance: (ms: number) => void (time += ms) }
}

describe('texts of several sources on one parser thread', () => {
  it('a quick source waits for one text of the slow ones, not for all', async () => {
    const { createQueue, parsed } = scheduled()
    const [slow, slower, quick] = [createQueue(), createQueue(), createQueue()]

    await Promise.all([
      ...['slow 5000 a', 'slow 5000 b', 'slow 5000 c'].map((text) => slow(text, 'auto')),
      ...['slower 6000 a', 'slower 6000 b'].map((text) => slower(text, 'auto')),
      ...['quick 10 a', 'quick 10 b'].map((text) => quick(text, 'auto')),
    ])

    assert.deepEqual(parsed, [
      'slow 5000 a',
      'slower 6000 a',
      'quick 10 a',
      'quick 10 b',
      'slow 5000 b',
      'slower 6000 b',
      'slow 5000 c',
    ])
  })

  it('a source that was idle does not make up for it by holding up the others', async () => {
    const { createQueue, parsed } = scheduled()
    const [busy, idle] = [createQueue(), createQueue()]
    for (let count = 0; count < 10; count++) await busy('busy 1000', 'auto')
    parsed.length = 0

    await Promise.all([
      ...['busy 1000 a', 'busy 1000 b'].map((text) => busy(text, 'auto')),
      ...['idle 1000 a', 'idle 1000 b', 'idle 1000 c'].map((text) => idle(text, 'auto')),
    ])

    assert.deepEqual(parsed, ['idle 1000 a', 'busy 1000 a', 'idle 1000 b', 'busy 1000 b', 'idle 1000 c'])
  })

  it('a text whose reader gave up is not parsed, and the others are', async () => {
    const { createQueue, parsed } = scheduled()
    const parse = createQueue()
    const gone = new AbortController()

    const texts = [parse('1 a', 'auto'), parse('2 b', 'auto', gone.signal), parse('3 c', 'auto')]
    gone.abort()
    const [first, withdrawn, third] = await Promise.allSettled(texts)

    assert.deepEqual([first?.status, withdrawn?.status, third?.status], ['fulfilled', 'rejected', 'fulfilled'])
    assert.deepEqual(parsed, ['1 a', '3 c'])
  })

  it('a source whose texts take too long pauses longer and longer, and an hour later little again', async () => {
    const { createQueue, advance } = scheduled({ backsOff: true, limitMs: 5000 })
    const parse = createQueue()
    const pauseOf = () =>
      parse('9999', 'auto').then(
        () => assert.fail('parsed'),
        ({ retry_after, message }: SourceError) => {
          assert.equal(message, `takes too long; not read again for ${retry_after} s`)
          return retry_after
        },
      )

    const pauses = []
    for (let count = 0; count < 6; count++) pauses.push(await pauseOf())
    assert.deepEqual(pauses, [50, 100, 200, 400, 600, 600])
    advance(3_600_001)
    assert.equal(await pauseOf(), 50)
  })
})
