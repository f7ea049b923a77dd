import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPublishedNames, domainFor } from '../../../src/api/publish/published-names.ts'
import { ServerName, serverId } from '../../../src/model/names.ts'
import { createRandom } from '../../random.ts'

const official = /^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/
const names = createPublishedNames({ domain: 'roster.example.org' })
const none = () => undefined

describe('the published name of a server', () => {
  for (const [namespace, name, published] of [
    ['default', 'weather', 'org.example.roster/weather'],
    ['team-a', 'weather', 'org.example.roster.team-a/weather'],
    ['default', 'io.github.acme/weather', 'io.github.acme/weather'],
    ['team-a', 'io.github.acme/weather', 'org.example.roster.team-a/io.github.acme_x2f_weather'],
    ['default', 'Big Weather', 'org.example.roster/Big_x20_Weather'],
    ['default', 'wetter_für_alle', 'org.example.roster/wetter_f_xfc_r_alle'],
    ['default', 'a_x20_b', 'org.example.roster/a_x5f_x20_b'],
    ['default', 'org.example.roster/weather', 'org.example.roster/org.example.roster_x2f_weather'],
    ['default', 'org.example.roster.team-a/weather', 'org.example.roster/org.example.roster.team-a_x2f_weather'],
    ['default', '🌦', 'org.example.roster/_x1f326_'],
  ] as const) {
    it(`is ${published} for ${name} of ${namespace}, and resolves to that server`, () => {
      assert.equal(names.nameOf({ namespace, name }), published)
      assert.equal(names.idOf(published, none), serverId(namespace, name))
    })
  }

  it('is valid and unique for random names', () => {
    const { next: random, label } = createRandom()
    const parts = ['_', 'x', '2', '0', '_x', '/', '.', '-', ' ', 'é', 'a', 'org.example.roster', '_h0123456789abcdef']
    const seen = new Map<string, string>()
    for (let round = 0; round < 20_000; round += 1) {
      const length = 1 + Math.floor(random() * 6)
      const name = Array.from({ length }, () => parts[Math.floor(random() * parts.length)]).join('')
      if (!ServerName.safeParse(name).success) continue
      const namespace = ['default', 'team', 'default-x'][Math.floor(random() * 3)] ?? 'default'
      const id = serverId(namespace, name)
      const published = names.nameOf({ namespace, name })
      const find = (holds: (id: string, named: { namespace: string; name: string }) => boolean) =>
        holds(id, { namespace, name }) ? id : undefined

      assert.match(published, official)
      assert.ok(published.length >= 3 && published.length <= 200)
      assert.equal(seen.get(published) ?? id, id, label)
      assert.equal(names.idOf(published, find), id, label)
      seen.set(published, id)
    }
  })

  it('is shortened to 200 characters where it is too long, and stays unique', () => {
    const long = { namespace: 'default', name: 'ö'.repeat(200) }
    const other = { namespace: 'default', name: `${'ö'.repeat(199)}o` }
    const published = names.nameOf(long)

    assert.equal(published.length, 200)
    assert.match(published, official)
    assert.notEqual(names.nameOf(other), published)
    const all = [other, long].map((named) => ({ id: serverId(named.namespace, named.name), named }))
    const id = names.idOf(published, (holds) => all.find(({ id, named }) => holds(id, named))?.id)
    assert.equal(id, serverId(long.namespace, long.name))
  })

  it('resolves to no server where no server has it', () => {
    for (const text of ['', 'weather', 'a/b/c', 'org.example.roster.UPPER/x y', 'org.example.roster/a_x2e_b'])
      assert.equal(names.idOf(text, none), undefined)
  })

  it('begins with a domain derived from the name of the registry', () => {
    assert.equal(domainFor('mcp-roster'), 'mcp-roster.internal')
    assert.equal(domainFor('Roster Berlin!'), 'roster-berlin.internal')
    assert.equal(domainFor('roster.berlin.example'), 'roster.berlin.example')
    assert.equal(domainFor('***'), 'mcp-roster.internal')
  })
})
