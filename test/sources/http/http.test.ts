import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { http } from '../../../src/sources/http/http.ts'
import { keepsTheSourceContract } from '../../contracts/source.ts'
import { errorIn, namesIn } from '../poll-source.ts'
import { toolsWith } from '../source-tools.ts'
import { json, openHttpSource, openDirectory, paths, servers, text } from './test-directory.ts'

keepsTheSourceContract({
  name: 'http',
  async open(names) {
    const place = await openDirectory(json(servers(...names)))
    const httpClient = openHttpClient()
    let published = names
    return {
      source: http.open(http.config.parse({ type: 'http', url: place.url }), toolsWith({ httpClient })),
      publish(next) {
        published = next
        place.answers(json(servers(...next)))
      },
      break: () => place.answers(text('broken', {}, 500)),
      heal: () => place.answers(json(servers(...published))),
      async close() {
        place.close()
        await httpClient.close()
      },
    }
  },
})

const asJson = { 'content-type': 'application/json' }
const listing = JSON.stringify(servers('weather'))

describe('a directory with an invalid answer', () => {
  const answers: Record<string, [RequestListener, RegExp]> = {
    'an error of the server': [text('oops', asJson, 500), /answered 500/],
    'a missing page': [text(listing, asJson, 404), /answered 404/],
    'no content': [text('', {}, 204), /answered 204/],
    'a part of the content': [text(listing, asJson, 206), /answered 206/],
    'a demand for credentials': [text(listing, asJson, 401), /answered 401/],
    'a redirect without a target': [text('', {}, 302), /without a Location/],
    'a redirect to another host': [
      text('', { location: 'http://elsewhere.example/' }, 302),
      /redirects to http:\/\/elsewhere\.example, which is not followed/,
    ],
    'a redirect to a file': [text('', { location: 'file:///etc/passwd' }, 302), /redirects to a file: address/],
    'a web page': [text('<!doctype html><p>hello', { 'content-type': 'text/html' }), /web page/],
    'a web page that calls itself JSON': [text('<html><body>hello', asJson), /web page/],
    'an image': [text(listing, { 'content-type': 'image/png' }), /"image\/png"/],
    'an empty body': [text('', asJson), /empty body/],
    blanks: [text('  \n', asJson), /blank/],
    'a byte order mark': [text(`\uFEFF${listing}`, asJson), /byte order mark/],
    'bytes that are not text': [text(Buffer.from([0x7b, 0xff, 0x7d]), asJson), /not UTF-8/],
    'garbage after the document': [text(`${listing} xyz`, asJson), /invalid JSON/],
    'a second document': [text(`${listing}${listing}`, asJson), /invalid JSON/],
    NaN: [text('{"servers": {"weather": {"url": NaN}}}', asJson), /invalid JSON/],
    'a key twice': [
      text('{"servers": {"a": {"url": "http://a.example"},\n "a": {"url": "http://b.example"}}}', asJson),
      /same key twice/,
    ],
    'half of a document': [text(listing.slice(0, 20), asJson), /JSON ends too early|invalid JSON/],
    'an unknown format': [json({ hello: 'world' }), /unknown document format/],
    null: [json(null), /unknown document format/],
    text: [json('servers'), /unknown document format/],
    'servers that are null': [json({ servers: null }), /servers is blank/],
  }

  for (const [what, [answer, reason]] of Object.entries(answers)) {
    it(`keeps its servers when it answers ${what}`, async () => {
      using place = await openDirectory(json(servers('weather')))
      await using source = openHttpSource({ url: `${place.url}/servers.json` })
      assert.deepEqual(namesIn((await source.next())[0]), ['weather'])

      place.answers(answer)

      assert.match(errorIn((await source.refresh())[0]).message, reason)
    })
  }

  it('has an error class that states whether a retry may help', async () => {
    using place = await openDirectory()
    await using source = openHttpSource({ url: `${place.url}/servers.json` })
    const classOf = async (answer: RequestListener) => {
      place.answers(answer)
      return errorIn((await source.refresh())[0]).class
    }

    assert.equal(await classOf(text('', {}, 503)), 'transient')
    assert.equal(await classOf(text('', {}, 429)), 'transient')
    assert.equal(await classOf(text('', {}, 403)), 'auth')
    assert.equal(await classOf(text('', {}, 404)), 'config')
  })
})

describe('a directory with an empty list', () => {
  for (const [form, body] of Object.entries({
    list: [],
    map: { servers: {} },
    mcpServers: { mcpServers: {} },
    page: { servers: [] },
  })) {
    it(`loses its servers, as a ${form}`, async () => {
      using place = await openDirectory(json(servers('weather')))
      await using source = openHttpSource({ url: `${place.url}/servers` })
      await source.next()

      place.answers(json(body))

      assert.deepEqual(namesIn((await source.refresh())[0]), [])
    })
  }
})

describe('a directory', () => {
  it('may be any document that a file may hold', async () => {
    const forms: Record<string, [string, string]> = {
      map: [JSON.stringify(servers('weather')), 'application/json'],
      list: ['[{"name": "weather", "url": "http://weather.example/mcp"}]', 'application/json; charset=utf-8'],
      claude: ['{"mcpServers": {"weather": {"type": "http", "url": "http://weather.example/mcp"}}}', 'text/plain'],
      registry: [
        '{"servers": [{"server": {"name": "weather", "version": "1", "remotes": [{"type": "sse", "url": "http://w.example/sse"}]}}]}',
        'application/json',
      ],
      yaml: ['servers:\n  weather:\n    url: http://weather.example/mcp\n', 'application/yaml'],
    }
    for (const [form, [body, type]] of Object.entries(forms)) {
      using place = await openDirectory(text(body, { 'content-type': type }))
      await using source = openHttpSource({ url: `${place.url}/servers` })
      assert.deepEqual(namesIn((await source.next())[0]), ['weather'], form)
    }
  })

  it('that fails neither hides nor removes the servers of others', async () => {
    using good = await openDirectory(json(servers('weather')))
    using bad = await openDirectory(text('', {}, 500))
    await using source = openHttpSource({ urls: [`${bad.url}/a`, `${good.url}/b`] })

    const readings = await source.next()

    assert.deepEqual(
      readings.map(({ origin, rank }) => [origin, rank]),
      [
        [`${bad.url}/a`, 0],
        [`${good.url}/b`, 1],
      ],
    )
    assert.match(errorIn(readings[0]).message, /500/)
    assert.deepEqual(namesIn(readings[1]), ['weather'])
  })

  it('whose answer has another order keeps its reading object', async () => {
    const fields = [
      ['url', 'http://weather.example/mcp'],
      ['description', 'rain'],
      ['title', 'Weather'],
    ] as const
    const names = ['weather', 'news', 'maps']
    using place = await openDirectory()
    await using source = openHttpSource({ url: `${place.url}/servers` })
    const shuffled = <T>(items: readonly T[], round: number) =>
      items.map((_, index) => items[(index * 2 + round) % items.length] as T)
    const first = new Set<unknown>()

    for (let round = 0; round < 60; round++) {
      const body = shuffled(names, round).map((name) =>
        Object.fromEntries([...shuffled(fields, round), ['name', name]]),
      )
      place.answers(json(body))
      const [reading] = round === 0 ? await source.next() : await source.refresh()
      first.add(reading)
    }

    assert.equal(first.size, 1)
  })

  it('may redirect within its origin, but not endlessly', async () => {
    using place = await openDirectory(
      paths({
        '/old': text('', { location: '/new' }, 301),
        '/new': json(servers('weather')),
        '/loop': text('', { location: '/loop' }, 302),
      }),
    )
    await using source = openHttpSource({ urls: [`${place.url}/old`, `${place.url}/loop`] })

    const [moved, loop] = await source.next()

    assert.deepEqual(namesIn(moved), ['weather'])
    assert.match(errorIn(loop).message, /redirects more than 3 times/)
  })

  it('is shown without the secrets in its address', async () => {
    using place = await openDirectory(json(servers('weather')))
    const one = place.url.replace('http://', 'http://scott:tiger@')
    await using source = openHttpSource({ urls: [`${one}/servers?token=abc123def`, `${one}/servers?token=other456`] })

    const readings = await source.next()

    assert.doesNotMatch(JSON.stringify(readings), /tiger|abc123def|other456/)
    assert.equal(new Set(readings.map(({ origin }) => origin)).size, 2)
    assert.equal(place.requests[0]?.headers.authorization, `Basic ${btoa('scott:tiger')}`)
  })

  it('is requested again soon after a failure only', async () => {
    using place = await openDirectory(text('', {}, 503))
    await using source = openHttpSource({ url: `${place.url}/servers`, interval: 3600 })
    await source.next()

    place.answers(json(servers('weather')))

    assert.deepEqual(namesIn((await source.next())[0]), ['weather'])
  })
})
