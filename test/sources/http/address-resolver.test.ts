import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorIn, namesIn } from '../poll-source.ts'
import { card, catalog, json, openDirectory, openHttpSource, paths, servers, text } from './test-directory.ts'

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

  it('without any directory is an error that names the reason', async () => {
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
