import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runToCompletion } from '../../src/flow/cooperative.ts'
import type { Capability } from '../../src/model/capability.ts'
import type { Batch } from '../../src/model/change.ts'
import type { Status } from '../../src/model/health.ts'
import { unfilteredQuery } from '../../src/model/query/query.ts'
import { type Reading, type Sighting, SourceError } from '../../src/model/source.ts'
import { targetKey } from '../../src/model/target.ts'
import type { Layer } from '../../src/registry/candidate.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { createIntake } from '../../src/registry/supervision/intake.ts'
import { entry, reading } from '../made.ts'

/** A registry fed by sources by hand, in the order they are named. */
function world(...sources: string[]) {
  const registry = createRegistry({
    epoch: 'e',
    onError: (error) => {
      throw error
    },
  })
  const batches: Batch[] = []
  registry.subscribe((batch) => batches.push(batch))
  const layers = sources.map((name, order): Layer => ({ name, reach: 'any', discovery_method: 'config_file', order }))
  const intakes = new Map(layers.map((layer) => [layer.name, createIntake({ layer })]))
  for (const intake of intakes.values()) intake.setTrust({ stdio: () => true, questionsShrinks: false })
  const intakeOf = (source: string) => intakes.get(source) ?? assert.fail(source)
  const say = (source: string, sighting: Sighting) => registry.commit(intakeOf(source).accept(sighting).delta)
  /** Works out a picture ahead of time, to be made true by `make`. */
  function ahead(source: string, ...readings: Reading[]) {
    const planned = runToCompletion(intakeOf(source).plan.sighting({ type: 'picture', readings }))
    const rehearsal = runToCompletion(registry.prepareCommit(planned.delta))
    return {
      make: () => registry.commit(planned.apply().delta, rehearsal),
      forget: () => registry.discardCommit(rehearsal),
    }
  }
  const picture = (source: string, ...readings: Reading[]) => say(source, { type: 'picture', readings })
  const events = () =>
    batches
      .splice(0)
      .map(({ changes }) => changes.map(({ type, now, before }) => `${type} ${(now ?? before)?.server.id}`))
  const names = () => registry.list().map(({ server }) => server.name)
  return { registry, layers, intakeOf, say, ahead, picture, events, names }
}

describe('registry', () => {
  it('gives a name to the first source that the config lists, and keeps the loser as a shadow', () => {
    const { registry, picture } = world('first', 'second')

    picture('second', { origin: 'b', entries: [entry({ description: 'from second' })] })
    picture('first', { origin: 'a', entries: [entry({ description: 'from first' })] })

    const found = registry.get('default/weather')?.server
    assert.equal(found?.description, 'from first')
    assert.deepEqual(found.shadows, [{ source: 'second', origin: 'b' }])
  })

  it('shows whoever is told of a change the registry as it is after it', () => {
    const { registry, picture } = world('first')
    const seen: unknown[] = []
    registry.subscribe(({ token, revision }) =>
      seen.push([registry.token() === token, registry.revision() === revision, registry.size()]),
    )

    picture('first', reading('a', 'weather'))

    assert.deepEqual(seen, [[true, true, 1]])
  })

  it('promotes the shadowed definition in the revision in which the winner goes', () => {
    const { registry, picture, events } = world('first', 'second')
    picture('first', reading('a', 'weather'))
    picture('second', reading('b', 'weather'))
    events()

    picture('first')

    assert.deepEqual(events(), [['MODIFIED default/weather']])
    assert.equal(registry.get('default/weather')?.server.source, 'second')
  })

  it('ranks origins inside a source by the order of the config, then by their text, never by time', () => {
    const { registry, say } = world('files')
    const at = (origin: string, rank: number): Reading => ({ ...reading(origin, 'weather'), rank })

    say('files', { type: 'change', readings: [at('z', 1)], gone: [] })
    say('files', { type: 'change', readings: [at('y', 0)], gone: [] })
    say('files', { type: 'change', readings: [at('x', 0)], gone: [] })

    const { origin, shadows } = registry.get('default/weather')?.server ?? assert.fail()
    assert.deepEqual([origin, ...shadows.map((shadow) => shadow.origin)], ['x', 'y', 'z'])
  })

  it('makes no revision of content that is the same', () => {
    const { registry, picture, events } = world('files')
    picture('files', reading('a', 'weather', 'maps'))
    const revision = registry.revision()
    events()

    for (let times = 0; times < 1000; times += 1) picture('files', reading('a', 'weather', 'maps'))

    assert.equal(registry.revision(), revision)
    assert.deepEqual(events(), [])
  })

  it('makes no revision of what a loser says: nobody sees it', () => {
    const { picture, events } = world('first', 'second')
    picture('first', reading('a', 'weather'))
    picture('second', { origin: 'b', entries: [entry({ description: 'one' })] })
    events()

    picture('second', { origin: 'b', entries: [entry({ description: 'two' })] })

    assert.deepEqual(events(), [])
  })

  it('tells all that one sighting changed as one batch', () => {
    const { picture, events } = world('files')
    picture('files', reading('a', 'one', 'two'), reading('b', 'three'))
    assert.deepEqual(events(), [['ADDED default/one', 'ADDED default/three', 'ADDED default/two']])

    picture('files', reading('a', 'one'), reading('c', 'three', 'four'))

    assert.deepEqual(events(), [['ADDED default/four', 'MODIFIED default/three', 'DELETED default/two']])
  })

  it('keeps the servers of an origin that cannot be read, marked stale, and heals them', () => {
    const { registry, picture, events } = world('files')
    picture('files', reading('a', 'weather'))
    events()

    picture('files', { origin: 'a', error: new SourceError('torn', { class: 'config' }) })
    assert.equal(registry.get('default/weather')?.server.stale, true)
    picture('files', { origin: 'a', error: new SourceError('torn again', { class: 'config' }) })
    picture('files', reading('a', 'weather'))

    assert.equal(registry.get('default/weather')?.server.stale, false)
    assert.deepEqual(events(), [['MODIFIED default/weather'], ['MODIFIED default/weather']])
  })

  it('loses the servers of an origin that is gone, or that answers an empty list', () => {
    const { picture, names } = world('files')
    picture('files', reading('a', 'one'), reading('b', 'two'))

    picture('files', reading('a'), reading('b', 'two'))
    assert.deepEqual(names(), ['two'])

    picture('files')
    assert.deepEqual(names(), [])
  })

  it('turns one bad entry away with its reason and place, and keeps its neighbours', () => {
    const { intakeOf, picture, names } = world('files')

    picture('files', {
      origin: 'a',
      entries: [entry({ name: 'good' }), { value: { name: 'bad', url: 7 }, where: 'line 9' }, entry({ name: 'fine' })],
    })

    assert.deepEqual(names(), ['fine', 'good'])
    const [rejection] = intakeOf('files').details().rejections
    assert.equal(rejection?.where, 'line 9')
    assert.match(rejection.reason, /^url: /)
  })

  it('keeps the last good version of an entry that turned bad, stale', () => {
    const { registry, intakeOf, picture } = world('files')
    picture('files', { origin: 'a', entries: [entry({ tags: ['geo'] })] })

    picture('files', { origin: 'a', entries: [entry({ tags: 'geo' })] })

    const kept = registry.get('default/weather')?.server
    assert.deepEqual(kept?.tags, ['geo'])
    assert.equal(kept.stale, true)
    assert.equal(intakeOf('files').details().rejections[0]?.kept, true)
  })

  it('lets only trusted sources introduce commands, and drops what is no longer trusted', () => {
    const { registry, intakeOf, picture } = world('files')
    const command = entry({ url: undefined, command: 'python', args: ['-m', 'weather'] })
    picture('files', { origin: 'a', entries: [command] })
    assert.equal(registry.get('default/weather')?.server.type, 'stdio')

    intakeOf('files').setTrust({ stdio: () => false, questionsShrinks: false })
    picture('files', { origin: 'a', entries: [command] })

    assert.equal(registry.get('default/weather'), undefined)
    assert.match(intakeOf('files').details().rejections[0]?.reason ?? '', /allow_stdio/)
  })

  it('holds a picture that removes more than half until a second one agrees', () => {
    const { intakeOf, picture, names } = world('pulled')
    intakeOf('pulled').setTrust({ stdio: () => true, questionsShrinks: true })
    const many = Array.from({ length: 10 }, (_, at) => `s${at}`)
    picture('pulled', reading('a', ...many))

    picture('pulled', reading('a', 's0', 's1', 's2', 's3'))
    assert.equal(names().length, 10)
    assert.equal(intakeOf('pulled').summary().held?.removes, 6)

    picture('pulled', reading('a', 's0', 's1', 's2', 's3'))
    assert.equal(names().length, 4)
    assert.equal(intakeOf('pulled').summary().held, undefined)
  })

  it('does not take what is said twice of one look for a second look', () => {
    const { intakeOf, picture } = world('pulled')
    const intake = intakeOf('pulled')
    intake.setTrust({ stdio: () => true, questionsShrinks: true })
    picture('pulled', reading('a', 'a', 'b', 'c', 'd', 'e', 'f'))
    const empty = { type: 'picture', readings: [] } as const

    assert.deepEqual(
      [1, 1, 1].map((look) => intake.accept(empty, look).held),
      [true, true, true],
    )
    assert.equal(intake.accept(empty, 2).held, false)
    assert.equal(intake.summary().servers, 0)
  })

  it('finds capabilities by how somebody else says they are called', () => {
    const { registry, picture } = world('files')
    const entries = ['tool-1', 'tool-10', 'Tool-1'].map((capability) =>
      entry({ name: `has-${capability}`, capabilities: [capability] }),
    )
    picture('files', { origin: 'a', entries })

    const query = { ...unfilteredQuery, capability: 'tool-1', fuzzy_match: true }
    const found = (isNamed?: (name: string) => boolean) =>
      registry.select(query, isNamed).page.map(({ server }) => server.name)

    assert.deepEqual(found(), ['has-Tool-1', 'has-tool-1', 'has-tool-10'])
    assert.deepEqual(
      found((name) => name.toLowerCase() === 'tool-1'),
      ['has-Tool-1', 'has-tool-1'],
    )
  })

  it('forgets a held shrink when the next picture is whole again', () => {
    const { intakeOf, picture, names } = world('pulled')
    intakeOf('pulled').setTrust({ stdio: () => true, questionsShrinks: true })
    const many = reading('a', 'a', 'b', 'c', 'd', 'e', 'f')
    picture('pulled', many)

    picture('pulled')
    picture('pulled', many)
    picture('pulled')

    assert.equal(names().length, 6)
  })

  it('resets the health of a server whose target changed, and keeps it when only words did', () => {
    const { registry, picture } = world('files')
    picture('files', { origin: 'a', entries: [entry()] })
    const target = 'mcp http://weather.example/mcp {}'
    const health = { status: 'healthy', reason: 'ok', since: '2026-01-01T00:00:00.000Z' } as const
    registry.observe([{ id: 'default/weather', target, health }])
    assert.equal(registry.get('default/weather')?.server.status, 'healthy')

    picture('files', { origin: 'a', entries: [entry({ description: 'new words' })] })
    assert.equal(registry.get('default/weather')?.server.status, 'healthy')

    picture('files', { origin: 'a', entries: [entry({ url: 'http://elsewhere.example/mcp' })] })
    assert.equal(registry.get('default/weather')?.server.status, 'pending')
    registry.observe([{ id: 'default/weather', target, health }])
    assert.equal(registry.get('default/weather')?.server.status, 'pending')
  })

  it('says the worst of what the source reports and what the probe found', () => {
    const { registry, picture } = world('cluster')
    const reported = { status: 'unhealthy', reason: 'no_endpoints' } as const
    picture('cluster', {
      origin: 'a',
      entries: [{ value: { name: 'weather', url: 'http://weather.example/mcp' }, reported }],
    })
    const { status, health } = registry.get('default/weather')?.server ?? assert.fail()
    assert.deepEqual([status, health.reason], ['unhealthy', 'no_endpoints'])
  })

  it('makes no revision of what a probe finds while the source says worse', () => {
    const { registry, picture, events } = world('first')
    const reported = { status: 'unhealthy', reason: 'no_endpoints' } as const
    picture('first', { origin: 'a', entries: [{ ...entry(), reported }] })
    const target = targetKey(registry.get('default/weather')?.server ?? assert.fail())
    const found = (status: Status) =>
      registry.observe([{ id: 'default/weather', target, health: { status, since: '2026-01-01T00:00:00.000Z' } }])
    found('healthy')
    events()
    const token = registry.token()

    found('degraded')
    assert.deepEqual([events(), registry.token()], [[], token])

    picture('first', { origin: 'a', entries: [entry()] })
    assert.equal(registry.get('default/weather')?.server.status, 'degraded', 'it is known all the same')
  })

  it('adds what a server said of itself to what was declared', () => {
    const { registry, picture } = world('files')
    picture('files', { origin: 'a', entries: [entry({ capabilities: ['forecast'] })] })
    const tool = (name: string): Capability => ({
      name,
      version: '1.0.0',
      stability: 'stable',
      tags: [],
      kind: 'tool',
      origin: 'introspected',
    })
    registry.observe([
      {
        id: 'default/weather',
        target: 'mcp http://weather.example/mcp {}',
        health: { status: 'healthy', since: '2026-01-01T00:00:00.000Z' },
        capabilities: [tool('forecast'), tool('radar')],
      },
    ])
    const { capabilities } = registry.get('default/weather')?.server ?? assert.fail()
    assert.deepEqual(
      capabilities.map(({ name, origin }) => `${name} ${origin}`),
      ['forecast declared', 'radar introspected'],
    )
  })

  it('ranks anew on a reload, in one revision', () => {
    const { registry, layers, picture, events } = world('first', 'second')
    picture('first', reading('a', 'weather'))
    picture('second', reading('b', 'weather', 'maps'))
    events()

    registry.reorderSources(layers.toReversed(), { removed: [], added: [] })

    assert.deepEqual(events(), [['MODIFIED default/weather']])
    assert.equal(registry.get('default/weather')?.server.source, 'second')
  })

  it('settles what is due before every read, and tells watchers in order even then', () => {
    const { registry, picture, events } = world('files', 'leases')
    let due = true
    registry.beforeRead(() => {
      if (!due) return
      due = false
      picture('leases', reading('l', 'lapsed'))
    })

    picture('files', reading('a', 'weather'))

    assert.equal(registry.get('default/lapsed')?.server.name, 'lapsed')
    assert.deepEqual(events(), [['ADDED default/weather'], ['ADDED default/lapsed']])
  })
})

describe('a commit worked out ahead', () => {
  const target = 'mcp http://weather.example/mcp {}'
  const healthy = { status: 'healthy', reason: 'ok', since: '2026-01-01T00:00:00.000Z' } as const
  const described = (origin: string, description: string): Reading => ({ origin, entries: [entry({ description })] })
  const shown = ({ registry }: ReturnType<typeof world>) => {
    const { description, source, status, shadows } = registry.get('default/weather')?.server ?? assert.fail()
    return { description, source, status, shadows: shadows.map((shadow) => shadow.source) }
  }

  it('changes nothing before it is made, and then is one revision with its version', () => {
    const { registry, ahead, picture, events, names } = world('files', 'other')
    const { make } = ahead('files', reading('a', 'weather', 'maps'))
    assert.deepEqual([names(), registry.revision()], [[], 0])
    picture('other', reading('o', 'first'))
    events()

    make()

    assert.deepEqual(events(), [['ADDED default/maps', 'ADDED default/weather']])
    assert.equal(registry.get('default/maps')?.server.resource_version, 'e-2')
  })

  it('leaves no trace where it is not made', () => {
    const { registry, ahead, picture, names } = world('files', 'other')
    picture('other', reading('o', 'maps'))
    const { forget } = ahead('files', reading('a', 'weather', 'maps', 'news'))

    forget()
    picture('files', reading('a', 'news'))

    assert.deepEqual(names(), ['maps', 'news'])
    assert.deepEqual([registry.size(), registry.counts('source').get('files')], [2, 1])
    assert.deepEqual(registry.select({ ...unfilteredQuery, source: 'files' }).page, [registry.get('default/news')])
  })

  it('dates what it makes true at the moment at which it does', () => {
    let at = Date.parse('2026-01-01T00:00:00Z')
    const registry = createRegistry({ now: () => at, onError: (error) => assert.ifError(error) })
    const layer: Layer = { name: 'files', reach: 'any', discovery_method: 'config_file', order: 0 }
    const intake = createIntake({ layer })
    const { delta } = intake.accept({ type: 'picture', readings: [reading('a', 'weather')] })
    const rehearsal = runToCompletion(registry.prepareCommit(delta))
    at += 5000

    registry.commit(delta, rehearsal)

    const { created_at, updated_at } = registry.get('default/weather')?.server ?? assert.fail()
    assert.deepEqual([created_at, updated_at], ['2026-01-01T00:00:05.000Z', '2026-01-01T00:00:05.000Z'])
  })

  it('keeps what a probe finds meanwhile', () => {
    const there = world('files')
    there.picture('files', described('a', 'old'))
    const { make } = there.ahead('files', described('a', 'new'))
    there.registry.observe([{ id: 'default/weather', target, health: healthy }])

    make()

    assert.deepEqual(shown(there), { description: 'new', source: 'files', status: 'healthy', shadows: [] })
  })

  for (const [others, expected] of [
    ['before', { description: 'theirs', source: 'before', shadows: ['files'] }],
    ['behind', { description: 'new', source: 'files', shadows: ['behind'] }],
  ] as const) {
    it(`competes with what a source ${others} it says meanwhile`, () => {
      const there = world('before', 'files', 'behind')
      there.picture('files', described('a', 'old'))
      const { make } = there.ahead('files', described('a', 'new'))
      there.picture(others, described('b', 'theirs'))

      make()

      assert.deepEqual(shown(there), { ...expected, status: 'pending' })
      there.picture('files')
      assert.deepEqual(shown(there), { description: 'theirs', source: others, status: 'pending', shadows: [] })
    })
  }

  it('wins a name whose holder goes meanwhile, and goes where another takes its place', () => {
    const there = world('before', 'files')
    there.picture('before', described('b', 'theirs'))
    const come = there.ahead('files', described('a', 'ours'))
    there.picture('before')
    come.make()
    assert.deepEqual(shown(there), { description: 'ours', source: 'files', status: 'pending', shadows: [] })

    const gone = there.ahead('files')
    there.picture('before', described('b', 'theirs'))
    gone.make()
    assert.deepEqual(shown(there), { description: 'theirs', source: 'before', status: 'pending', shadows: [] })
  })

  it('is worked out anew where its own source said something else meanwhile', () => {
    const { ahead, say, names } = world('agents')
    const { make } = ahead('agents', reading('a', 'a'), reading('b', 'b'))
    say('agents', { type: 'change', readings: [reading('c', 'c')], gone: [] })

    make()

    assert.deepEqual(names(), ['a', 'b'])
  })

  it('ranks as a reload has ordered the sources meanwhile', () => {
    const there = world('first', 'second')
    const [first, second] = there.layers
    there.picture('first', described('a', 'of the first'))
    const { make } = there.ahead('second', described('b', 'of the second'))
    assert.ok(first && second)
    there.registry.reorderSources([second, first], { removed: [], added: [] })

    make()

    assert.deepEqual(shown(there), {
      description: 'of the second',
      source: 'second',
      status: 'pending',
      shadows: ['first'],
    })
  })
})
