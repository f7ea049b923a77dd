import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { namesIn } from '../poll-source.ts'
import { card, catalog, json, openDirectory, openHttpSource, paths, text } from './test-directory.ts'

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

    // A document never links to this host itself, allowed or not.
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
