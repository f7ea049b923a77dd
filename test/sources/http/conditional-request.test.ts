import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { parseRetryAfter } from '../../../src/sources/http/conditional-request.ts'
import { errorIn, namesIn } from '../poll-source.ts'
import { json, openHttpSource, openDirectory, paths, servers, text } from './test-directory.ts'

/** Answers "not modified" to a request with the tag. */
const tagged =
  (etag: string, body: unknown): RequestListener =>
  (request, response) =>
    request.headers['if-none-match'] === etag
      ? text('', { etag }, 304)(request, response)
      : json(body, { etag })(request, response)

describe('a conditional request', () => {
  it('keeps the servers of an unmodified document', async () => {
    using place = await openDirectory(tagged('W/"1"', servers('weather')))
    await using source = openHttpSource({ url: `${place.url}/servers` })

    const [first] = await source.next()
    const [second] = await source.refresh()

    assert.equal(second, first)
    assert.equal(place.requests[0]?.headers['if-none-match'], undefined)
    assert.equal(place.requests[1]?.headers['if-none-match'], 'W/"1"')
  })

  it('sends the date of a document without an ETag', async () => {
    const date = 'Wed, 21 Oct 2026 07:28:00 GMT'
    using place = await openDirectory(json(servers('weather'), { 'last-modified': date }))
    await using source = openHttpSource({ url: `${place.url}/servers` })
    const [first] = await source.next()

    place.answers(text('', {}, 304))
    const [second] = await source.refresh()

    assert.equal(place.requests[1]?.headers['if-modified-since'], date)
    assert.equal(second, first)
  })

  it('heals with 304 after a failure in between', async () => {
    using place = await openDirectory(tagged('"1"', servers('weather')))
    await using source = openHttpSource({ url: `${place.url}/servers` })
    const [first] = await source.next()

    place.answers(text('', {}, 502))
    assert.match(errorIn((await source.refresh())[0]).message, /502/)
    place.answers(tagged('"1"', servers('weather')))

    assert.equal((await source.refresh())[0], first)
  })

  it('fails on 304 before anything was read', async () => {
    using place = await openDirectory(text('', {}, 304))
    await using source = openHttpSource({ url: `${place.url}/servers` })

    assert.match(errorIn((await source.next())[0]).message, /304/)
  })

  it('is unconditional every twentieth time, which finds a server that wrongly answers 304', async () => {
    using place = await openDirectory(json(servers('weather'), { etag: '"1"' }))
    await using source = openHttpSource({ url: `${place.url}/servers` })
    await source.next()

    place.answers(tagged('"1"', servers('news')))
    let looks = 1
    while (namesIn((await source.refresh())[0])[0] === 'weather') looks += 1

    assert.equal(looks, 20)
  })

  it('is not sent after a document that could not be parsed', async () => {
    using place = await openDirectory(json(servers('weather'), { etag: '"1"' }))
    await using source = openHttpSource({ url: `${place.url}/servers` })
    await source.next()

    const broken: RequestListener = (request, response) =>
      request.headers['if-none-match'] === '"2"'
        ? text('', {}, 304)(request, response)
        : text('{"servers":', { 'content-type': 'application/json', etag: '"2"' })(request, response)
    place.answers(broken)

    const errors = new Set<unknown>()
    for (let round = 0; round < 5; round++) errors.add(errorIn((await source.refresh())[0]))
    assert.equal(errors.size, 5)
    assert.ok(place.requests.every(({ headers }) => headers['if-none-match'] !== '"2"'))
  })

  it('is sent for each card of a catalogue', async () => {
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
    await using source = openHttpSource({ url: `${place.url}/catalog` })

    const [first] = await source.next()
    const [second] = await source.refresh()

    assert.deepEqual(namesIn(first), ['weather'])
    assert.equal(second, first)
    assert.deepEqual(
      place.requests.map(({ headers }) => headers['if-none-match']),
      [undefined, undefined, '"c"', '"w"'],
    )
  })
})

describe('a directory with Retry-After', () => {
  it('is not requested for that long, even at a refresh', async () => {
    using place = await openDirectory(text('', { 'retry-after': '120' }, 429))
    await using source = openHttpSource({ url: `${place.url}/servers`, interval: 1 })

    const error = errorIn((await source.next())[0])
    const again = errorIn((await source.refresh())[0])
    await source.next()

    assert.equal(error.retry_after, 120)
    assert.equal(again, error)
    assert.equal(place.requests.length, 1)
  })

  it('is requested again once that time has passed', async () => {
    using place = await openDirectory(text('', { 'retry-after': '1' }, 503))
    await using source = openHttpSource({ url: `${place.url}/servers`, interval: 3600 })
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
    it(`reads "${header}" as ${seconds} s`, () => {
      assert.equal(parseRetryAfter(header, Date.parse('2026-10-21T07:28:00Z')), seconds)
    })
  }
})

describe('a response with max-age', () => {
  it('is not requested again before that, except at a refresh', async () => {
    using fresh = await openDirectory(json(servers('weather'), { 'cache-control': 'public, max-age=3600' }))
    using failing = await openDirectory(text('', {}, 500))
    await using source = openHttpSource({ urls: [`${fresh.url}/a`, `${failing.url}/b`], interval: 1000 })

    await source.next()
    await source.next()
    assert.deepEqual([fresh.requests.length, failing.requests.length], [1, 2])

    await source.refresh()
    assert.equal(fresh.requests.length, 2)
  })
})
