import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorIn, namesIn } from '../poll-source.ts'
import { json, openHttpSource, openDirectory, paths, servers, text } from './test-directory.ts'

const cardType = 'application/mcp-server-card+json'
const card = (name: string) => ({
  name,
  version: '1.0.0',
  description: `What ${name} does`,
  remotes: [{ type: 'streamable-http', url: `https://${name}.example/mcp` }],
})
const catalog = (...entries: readonly { name: string; url: string }[]) => ({
  specVersion: '1.0',
  entries: entries.map(({ name, url }) => ({
    identifier: `urn:air:example.com:${name}`,
    displayName: name,
    type: cardType,
    url,
  })),
})

describe('a domain', () => {
  for (const path of [
    '/.well-known/ai-catalog.json',
    '/.well-known/mcp/catalog.json',
    '/.well-known/mcp.json',
    '/.well-known/mcp-servers',
  ]) {
    it(`is read at ${path}`, async () => {
      const known = path.includes('catalog') ? catalog({ name: 'weather', url: '/card' }) : servers('weather')
      using place = await openDirectory(paths({ [path]: json(known), '/card': json(card('weather')) }))
      await using source = openHttpSource({ url: place.url })

      assert.deepEqual(namesIn((await source.next())[0]), ['weather'])
    })
  }

  it('may describe itself by a server card or an agent card', async () => {
    const agent = {
      name: 'Planner',
      description: 'Plans',
      url: 'https://planner.example/a2a',
      version: '1',
      skills: [],
      capabilities: {},
    }
    for (const [path, body, name] of [
      ['/.well-known/mcp/server-card.json', card('weather'), 'weather'],
      ['/.well-known/agent-card.json', agent, 'Planner'],
    ] as const) {
      using place = await openDirectory(paths({ [path]: json(body) }))
      await using source = openHttpSource({ url: place.url })
      assert.deepEqual(namesIn((await source.next())[0]), [name])
    }
  })

  it('keeps its address, and is searched again when no document is left there', async () => {
    using place = await openDirectory(paths({ '/.well-known/mcp.json': json(servers('weather')) }))
    await using source = openHttpSource({ url: place.url })
    await source.next()
    const before = place.requests.length
    await source.refresh()
    assert.equal(place.requests.length, before + 1)

    place.answers(
      paths({
        '/.well-known/ai-catalog.json': json(catalog({ name: 'news', url: '/card' })),
        '/card': json(card('news')),
      }),
    )
    assert.match(errorIn((await source.refresh())[0]).message, /answered 404/)
    assert.deepEqual(namesIn((await source.refresh())[0]), ['news'])
  })

  it('keeps its catalogue address during a transient failure', async () => {
    using place = await openDirectory(
      paths({ '/.well-known/ai-catalog.json': text('', {}, 503), '/.well-known/mcp.json': json(servers('old')) }),
    )
    await using source = openHttpSource({ url: place.url })

    assert.match(errorIn((await source.next())[0]).message, /503/)
  })

  it('whose front page is another document is read at its catalogue', async () => {
    using place = await openDirectory(
      paths({ '/': json({ status: 'ok' }), '/.well-known/mcp.json': json(servers('weather')) }),
    )
    await using source = openHttpSource({ url: place.url })

    assert.deepEqual(namesIn((await source.next())[0]), ['weather'])
  })

  it('without any directory is an error that says so', async () => {
    using place = await openDirectory(text('<!doctype html>hello', { 'content-type': 'text/html' }))
    await using source = openHttpSource({ url: place.url })

    assert.match(errorIn((await source.next())[0]).message, /web page.*no document at the usual addresses either/)
  })

  it('may be read at its well-known addresses only', async () => {
    using place = await openDirectory(
      paths({
        '/': json(servers('other')),
        '/.well-known/ai-catalog.json': json(catalog({ name: 'weather', url: '/card' })),
        '/card': json(card('weather')),
      }),
    )
    await using source = openHttpSource({ url: place.url, well_known: true })

    assert.deepEqual(namesIn((await source.next())[0]), ['weather'])
  })
})

describe('a catalogue', () => {
  it('lists the servers of its cards, in order', async () => {
    const names = ['weather', 'news', 'maps', 'alpha']
    const cards = Object.fromEntries(names.map((name) => [`/cards/${name}`, json(card(name))]))
    using place = await openDirectory(
      paths({ '/catalog.json': json(catalog(...names.map((name) => ({ name, url: `/cards/${name}` })))), ...cards }),
    )
    await using source = openHttpSource({ url: `${place.url}/catalog.json` })

    assert.deepEqual(namesIn((await source.next())[0]), names)
  })

  it('keeps the server of an unreadable card under its last name', async () => {
    const list = catalog({ name: 'Weather of today', url: '/weather' }, { name: 'News', url: '/news' })
    using place = await openDirectory(
      paths({ '/c.json': json(list), '/weather': json(card('weather')), '/news': json(card('news')) }),
    )
    await using source = openHttpSource({ url: `${place.url}/c.json` })
    await source.next()

    place.answers(paths({ '/c.json': json(list), '/weather': text('', {}, 500), '/news': json(card('news')) }))
    const [reading] = await source.refresh()

    const [broken, fine] = reading && 'entries' in reading ? reading.entries : []
    assert.deepEqual([broken && 'problem' in broken, namesIn(reading)], [true, ['weather', 'news']])
    assert.match(broken && 'problem' in broken ? broken.problem : '', /\/weather: server answered 500/)
    assert.ok(fine && 'value' in fine)
  })

  it('leads to other hosts only if configured, and then without credentials', async () => {
    using other = await openDirectory(json(card('weather')))
    const elsewhere = other.url.replace('127.0.0.1', 'localhost')
    using place = await openDirectory(json(catalog({ name: 'weather', url: `${elsewhere}/card?key=x` })))

    await using careful = openHttpSource({ url: `${place.url}/c.json`, token: 'tiger-tiger' })
    const [refused] = await careful.next()
    assert.match(JSON.stringify(refused), /document on another host, not followed/)
    assert.equal(other.requests.length, 0)

    // What a document names may never be this host itself, allowed or not.
    await using allowed = openHttpSource({
      url: `${place.url}/c.json`,
      token: 'tiger-tiger',
      follow_hosts: ['localhost'],
    })
    const [blocked] = await allowed.next()
    assert.match(JSON.stringify(blocked), /this host itself/)
    assert.equal(other.requests.length, 0)
    assert.equal(place.requests[0]?.headers.authorization, 'Bearer tiger-tiger')
  })

  it('that links to itself, or without end, is read once', async () => {
    const self = {
      specVersion: '1.0',
      entries: [{ identifier: 'urn:air:x:self', type: 'application/ai-catalog+json', url: '/c.json' }],
    }
    const many = catalog(...Array.from({ length: 2000 }, (_, index) => ({ name: `s${index}`, url: `/card/${index}` })))
    using circle = await openDirectory(json(self))
    using long = await openDirectory((request, response) =>
      json(request.url === '/c.json' ? many : card(`s${request.url?.slice(6)}`))(request, response),
    )
    await using source = openHttpSource({ urls: [`${circle.url}/c.json`, `${long.url}/c.json`] })

    const [one, other] = await source.next()

    assert.deepEqual(namesIn(one), [])
    assert.equal(circle.requests.length, 1)
    assert.equal(namesIn(other).length, 500)
  })
})
