import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createGuessLimiter } from '../../../../src/api/http/access/guess-limiter.ts'
import { startHere } from '../../../in-process-daemon.ts'
import { serve } from '../../served-api.ts'

describe('guessing a token', () => {
  it('is slow: after ten tries, each address is answered five times a second, and not compared far beyond', () => {
    let time = 0
    const { blockedSeconds, recordFailure } = createGuessLimiter({ now: () => time })
    const delays = Array.from({ length: 12 }, () => recordFailure('a'))

    assert.deepEqual(delays, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 400])
    assert.equal(recordFailure('b'), 0)
    for (let tries = 0; tries < 24; tries += 1) recordFailure('a')
    assert.equal(blockedSeconds('a'), 1)
    assert.equal(blockedSeconds('b'), undefined)
    time = 60_000
    assert.deepEqual([blockedSeconds('a'), recordFailure('a')], [undefined, 0])
  })

  it('does not stop clients of the same address whose token is known', async () => {
    const token = { name: 'ops', token: 'let-me-in', role: 'admin', secrets: false } as const
    await using served = await serve({ tokens: [token, { ...token, name: 'new', token: 'not-used-yet' }] })
    const statusWith = async (bearer: string) =>
      (await served.get('/servers', { headers: { authorization: `Bearer ${bearer}` } })).status
    const gone = new AbortController()
    await statusWith('let-me-in')
    const guesses = Array.from({ length: 60 }, (_, index) =>
      served.get('/servers', { headers: { authorization: `Bearer guess-${index}` }, signal: gone.signal }),
    )
    const statuses = await Promise.race(guesses.slice(40).map(async (guess) => (await guess).status))

    assert.equal(statuses, 429)
    assert.equal(await statusWith('let-me-in'), 200)
    assert.equal(await statusWith('not-used-yet'), 429)
    gone.abort()
    await Promise.allSettled(guesses)
  })

  it('leaves audit lines, with a limit', async () => {
    await using daemon = await startHere(
      'sources: []\nstore: { type: memory }\nauth: { tokens: [{ name: bot, token: robot, role: reader }] }\n',
    )
    const bot = { authorization: 'Bearer robot' }
    await daemon.ask('GET', '/servers?secrets=true', undefined, bot)
    await daemon.ask('POST', '/-/reload', undefined, bot)
    for (let index = 0; index < 8; index += 1)
      await daemon.ask('GET', '/servers', undefined, { authorization: `Bearer canary-${index}` })

    const lines = daemon.lines.filter((line) => line['msg'] === 'request denied')
    assert.deepEqual(
      lines.map(({ audit, principal, status, method, path }) => [audit, principal, status, method, path]),
      [
        [true, 'bot', 403, 'GET', '/servers'],
        [true, 'bot', 403, 'POST', '/-/reload'],
        ...Array.from({ length: 3 }, () => [true, 'anonymous', 401, 'GET', '/servers']),
      ],
    )
    assert.doesNotMatch(JSON.stringify(lines), /canary/)
  })
})
