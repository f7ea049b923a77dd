import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { parseRetryAfter } from '../../../src/sources/http/conditional-request.ts'
import { errorIn, namesIn } from '../poll-source.ts'
import { json, look, openDirectory, paths, servers, text } from './test-directory.ts'

/** Answers "not modified" to whoever knows the tag. */
const tagged =
  (etag: string, body: unknown): RequestListener =>
  (request, response) =>
    request.headers['if-none-match'] === etag
      ? text('', { etag }, 304)(request, response)
      : json(body, { etag })(request, response)

describe('what has not been modified', () => {
  it('is not sent again, and is good', async () => {
    using place = await openDirectory(tagged('W/"1"', servers('weather')))
    await using source = look({ url: `${place.url}/servers` })

    const [first] = await source.next()
    const [second] = await source.ask()

    assert.equal(second, first)
    assert.equal(place.requests[0]?.headers['if-none-match'], undefined)
    assert.equal(place.requests[1]?.headers['if-none-match'], 'W/"1"')
  })

  it('is known by its date where there is no tag', async () => {
    const date = 'Wed, 21 Oct 2026 07:28:00 GMT'
    using place = await openDirectory(json(servers('weather'), { 'last-modified': date }))
    await using source = look({ url: `${place.url}/servers` })
    const [first] = await source.next()

    place.answers(text('', {}, 304))
    const [second] = await source.ask()

    assert.equal(place.requests[1]?.headers['if-modified-since'], date)
    assert.equal(second, first)
  })

  it('is good again after a failure in between', async () => {
    using place = await openDirectory(tagged('"1"', servers('weather')))
    await using source = look({ url: `${place.url}/servers` })
    const [first] = await source.next()

    place.answers(text('', {}, 502))
    assert.match(errorIn((await source.ask())[0]).message, /502/)
    place.answers(tagged('"1"', servers('weather')))

    assert.equal((await source.ask())[0], first)
  })

  it('cannot be said of what was never sent', async () => {
    using place = await openDirectory(text('', {}, 304))
    await using source = look({ url: `${place.url}/servers` })

    assert.match(errorIn((await source.next())[0]).message, /304/)
  })

  it('is asked for without conditions every twentieth time, so that a place that is wrong about it is found out', async () => {
    using place = await openDirectory(json(servers('weather'), { etag: '"1"' }))
    await using source = look({ url: `${place.url}/servers` })
    await source.next()

    place.answers(tagged('"1"', servers('news')))
    let looks = 1
    while (namesIn((await source.ask())[0])[0] === 'weather') looks += 1

    assert.equal(looks, 20)
  })

  it('is not believed of an answer that could not be understood', async () => {
    using place = await openDirectory(json(servers('weather'), { etag: '"1"' }))
    await using source = look({ url: `${place.url}/servers` })
    await source.next()

    const broken: RequestListener = (request, response) =>
      request.headers['if-none-match'] === '"2"'
        ? text('', {}, 304)(request, response)
        : text('{"servers":', { 'content-type': 'application/json', etag: '"2"' })(request, response)
    place.answers(broken)

    const errors = new Set<unknown>()
    for (let round = 0; round < 5; round++) errors.add(errorIn((await source.ask())[0]))
    assert.equal(errors.size, 5)
    assert.ok(place.requests.every(({ headers }) => headers['if-none-match'] !== '"2"'))
  })

  it('is asked of each card that a catalogue names, too', async () => {
    const card = {
      name: 'weather',
      version: '1',
      description: 'rain',
      remotes: [{ type: 'streamable-http', url: 'http://weather.example/mcp' }],
    }
    const entries = [
      {
        identifier: 'urn:air:x:weather',
        displayName: 'Weather',
        type: 'application/mcp-server-card+json',
        url: '/card',
      },
    ]
    using place = await openDirectory(
      paths({ '/catalog': tagged('"c"', { specVersion: '1.0', entries }), '/card': tagged('"w"', card) }),
    )
    await using source = look({ url: `${place.url}/catalog` })

    const [first] = await source.next()
    const [second] = await source.ask()

    assert.deepEqual(namesIn(first), ['weather'])
    assert.equal(second, first)
    assert.deepEqual(
      place.requests.map(({ headers }) => headers['if-none-match']),
      [undefined, undefined, '"c"', '"w"'],
    )
  })
})

describe('a place that asks for patience', () => {
  it('is left alone for that long, even by those who ask for a look', async () => {
    using place = await openDirectory(text('', { 'retry-after': '120' }, 429))
    await using source = look({ url: `${place.url}/servers`, interval: 1 })

    const error = errorIn((await source.next())[0])
    const again = errorIn((await source.ask())[0])
    await source.next()

    assert.equal(error.retry_after, 120)
    assert.equal(again, error)
    assert.equal(place.requests.length, 1)
  })

  it('is asked again once its time has come', async () => {
    using place = await openDirectory(text('', { 'retry-after': '1' }, 503))
    await using source = look({ url: `${place.url}/servers`, interval: 3600 })
    await source.next()
    const before = performance.now()
    place.answers(json(servers('weather')))

    assert.deepEqual(namesIn((await source.next())[0]), ['weather'])
    assert.ok(performance.now() - before >= 900)
  })

  for (const [header, seconds] of [
    ['7', 7],
    ['Wed, 21 Oct 2026 07:28:30 GMT', 30],
    ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ] as const) {
    it(`waits ${seconds} s when told "${header}"`, () => {
      assert.equal(parseRetryAfter(header, Date.parse('2026-10-21T07:28:00Z')), seconds)
    })
  }
})

describe('an answer that says how long it is fresh', () => {
  it('is not asked for again before that, unless somebody wants it', async () => {
    using fresh = await openDirectory(json(servers('weather'), { 'cache-control': 'public, max-age=3600' }))
    using failing = await openDirectory(text('', {}, 500))
    await using source = look({ urls: [`${fresh.url}/a`, `${failing.url}/b`], interval: 1000 })

    await source.next()
    await source.next()
    assert.deepEqual([fresh.requests.length, failing.requests.length], [1, 2])

    await source.ask()
    assert.equal(fresh.requests.length, 2)
  })
})
