import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createResponseCache } from '../../../src/api/http/response-cache.ts'

describe('the response cache', () => {
  it('is bounded even for tiny replies', async () => {
    const kept = createResponseCache({ token: () => 'e-1' })
    const made: string[] = []
    const ask = (key: string) => kept.answer(key, async () => (made.push(key), Buffer.from('{"servers":{}}')))

    for (let number = 0; number < 10_000; number += 1) await ask(`?tag=t${number}`)
    await ask('?tag=t0')
    await ask('?tag=t9999')

    assert.deepEqual(made.slice(10_000), ['?tag=t0'])
  })
})
