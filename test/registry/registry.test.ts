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
import { entry, reading } from '../builders.ts'

/** A registry whose sources are driven by hand; the order of their names is their precedence. */
function createRegistryWithSources(...sources: string[]) {
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
  /** Prepares the commit of a picture; `commit` applies it. */
  function prepare(source: string, ...readings: Reading[]) {
    const planned = runToCompletion(intakeOf(source).plan.sighting({ type: 'picture', readings }))
    const prepared = runToCompletion(registry.prepareCommit(planned.delta))
    return {
      commit: () => registry.commit(planned.apply().delta, prepared),
      discard: () => registry.discardCommit(prepared),
    }
  }
  const picture = (source: string, ...readings: Reading[]) => say(source, { type: 'picture', readings })
  const events = () =>
    batches
      .splice(0)
      .map(({ changes }) => changes.map(({ type, now, before }) => `${type} ${(now ?? before)?.server.id}`))
  const names = () => registry.list().map(({ server }) => server.name)
  return { registry, layers, intakeOf, say, prepare, picture, events, names }
}

describe('registry', () => {
  it('gives a name to the source that the config lists first, and shadows the other definition', () => {
    const { registry, picture } = createRegistryWithSources('first', 'second')

    picture('second', { origin: 'b', entries: [entry({ description: 'from second' })] })
    picture('first', { origin: 'a', entries: [entry({ description: 'from first' })] })

    const server = registry.get('default/weather')?.server
    assert.equal(server?.description, 'from first')
    assert.deepEqual(server.shadows, [{ source: 'second', origin: 'b' }])
  })

  it('shows subscribers the registry as it is after the change', () => {
    const { registry, picture } = createRegistryWithSources('first')
    const seen: unknown[] = []
    registry.subscribe(({ token, revision }) =>
      seen.push([registry.token() === token, registry.revision() === revision, registry.size()]),
    )

    picture('first', reading('a', 'weather'))

    assert.deepEqual(seen, [[true, true, 1]])
  })

  it('promotes the shadowed definition in the revision that removes the winner', () => {
    const { registry, picture, events } = createRegistryWithSources('first', 'second')
    picture('first', reading('a', 'weather'))
    picture('second', reading('b', 'weather'))
    events()

    picture('first')

    assert.deepEqual(events(), [['MODIFIED default/weather']])
    assert.equal(registry.get('default/weather')?.server.source, 'second')
  })

  it('ranks origins inside a source by the order of the config, then by their text, never by time', () => {
    const { registry, say } = createRegistryWithSources('files')
    const at = (origin: string, rank: number): Reading => ({ ...reading(origin, 'weather'), rank })

    say('files', { type: 'change', readings: [at('z', 1)], gone: [] })
    say('files', { type: 'change', readings: [at('y', 0)], gone: [] })
    say('files', { type: 'change', readings: [at('x', 0)], gone: [] })

    const { origin, shadows } = registry.get('default/weather')?.server ?? assert.fail()
    assert.deepEqual([origin, ...shadows.map((shadow) => shadow.origin)], ['x', 'y', 'z'])
  })

  it('makes no revision when the same content is read again', () => {
    const { registry, picture, events } = createRegistryWithSources('files')
    picture('files', reading('a', 'weather', 'maps'))
    const revision = registry.revision()
    events()

    for (let times = 0; times < 1000; times += 1) picture('files', reading('a', 'weather', 'maps'))

    assert.equal(registry.revision(), revision)
    assert.deepEqual(events(), [])
  })

  it('makes no revision when only a shadowed definition changes', () => {
    const { picture, events } = createRegistryWithSources('first', 'second')
    picture('first', reading('a', 'weather'))
    picture('second', { origin: 'b', entries: [entry({ description: 'one' })] })
    events()

    picture('second', { origin: 'b', entries: [entry({ description: 'two' })] })

    assert.deepEqual(events(), [])
  })

  it('publishes all changes of one sighting as one batch', () => {
    const { picture, events } = createRegistryWithSources('files')
    picture('files', reading('a', 'one', 'two'), reading('b', 'three'))
    assert.deepEqual(events(), [['ADDED default/one', 'ADDED default/three', 'ADDED default/two']])

    picture('files', reading('a', 'one'), reading('c', 'three', 'four'))

    assert.deepEqual(events(), [['ADDED default/four', 'MODIFIED default/three', 'DELETED default/two']])
  })

  it('marks the servers of an unreadable origin as stale until it is readable again', () => {
    const { registry, picture, events } = createRegistryWithSources('files')
    picture('files', reading('a', 'weather'))
    events()

    picture('files', { origin: 'a', error: new SourceError('torn', { class: 'config' }) })
    assert.equal(registry.get('default/weather')?.server.stale, true)
    picture('files', { origin: 'a', error: new SourceError('torn again', { class: 'config' }) })
    picture('files', reading('a', 'weather'))

    assert.equal(registry.get('default/weather')?.server.stale, false)
    assert.deepEqual(events(), [['MODIFIED default/weather'], ['MODIFIED default/weather']])
  })

  it('drops the servers of an origin that is gone or answers an empty list', () => {
    const { picture, names } = createRegistryWithSources('files')
    picture('files', reading('a', 'one'), reading('b', 'two'))

    picture('files', reading('a'), reading('b', 'two'))
    assert.deepEqual(names(), ['two'])

    picture('files')
    assert.deepEqual(names(), [])
  })

  it('rejects one bad entry with its reason and location, and keeps its neighbours', () => {
    const { intakeOf, picture, names } = createRegistryWithSources('files')

    picture('files', {
      origin: 'a',
      entries: [entry({ name: 'good' }), { value: { name: 'bad', url: 7 }, where: 'line 9' }, entry({ name: 'fine' })],
    })

    assert.deepEqual(names(), ['fine', 'good'])
    const [rejection] = intakeOf('files').details().rejections
    assert.equal(rejection?.where, 'line 9')
    assert.match(rejection.reason, /^url: /)
  })

  it('keeps the last good version of an entry that became invalid, as stale', () => {
    const { registry, intakeOf, picture } = createRegistryWithSources('files')
    picture('files', { origin: 'a', entries: [entry({ tags: ['geo'] })] })

    picture('files', { origin: 'a', entries: [entry({ tags: 'geo' })] })

    const kept = registry.get('default/weather')?.server
    assert.deepEqual(kept?.tags, ['geo'])
    assert.equal(kept.stale, true)
    assert.equal(intakeOf('files').details().rejections[0]?.kept, true)
  })

  it('accepts commands from trusted sources only, and drops them when the trust ends', () => {
    const { registry, intakeOf, picture } = createRegistryWithSources('files')
    const command = entry({ url: undefined, command: 'python', args: ['-m', 'weather'] })
    picture('files', { origin: 'a', entries: [command] })
    assert.equal(registry.get('default/weather')?.server.type, 'stdio')

    intakeOf('files').setTrust({ stdio: () => false, questionsShrinks: false })
    picture('files', { origin: 'a', entries: [command] })

    assert.equal(registry.get('default/weather'), undefined)
    assert.match(intakeOf('files').details().rejections[0]?.reason ?? '', /allow_stdio/)
  })

  it('holds a picture that removes more than half of the servers until a second one confirms it', () => {
    const { intakeOf, picture, names } = createRegistryWithSources('pulled')
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

  it('does not confirm a shrink by two sightings of one read', () => {
    const { intakeOf, picture } = createRegistryWithSources('pulled')
    const intake = intakeOf('pulled')
    intake.setTrust({ stdio: () => true, questionsShrinks: true })
    picture('pulled', reading('a', 'a', 'b', 'c', 'd', 'e', 'f'))
    const empty = { type: 'picture', readings: [] } as const

    assert.deepEqual(
      [1, 1, 1].map((readNumber) => intake.accept(empty, readNumber).held),
      [true, true, true],
    )
    assert.equal(intake.accept(empty, 2).held, false)
    assert.equal(intake.summary().servers, 0)
  })

  it('selects capabilities by a test of their name that the caller passes', () => {
    const { registry, picture } = createRegistryWithSources('files')
    const entries = ['tool-1', 'tool-10', 'Tool-1'].map((capability) =>
      entry({ name: `has-${capability}`, capabilities: [capability] }),
    )
    picture('files', { origin: 'a', entries })

    const query = { ...unfilteredQuery, capability: ['tool-1'], fuzzy_match: true }
    const select = (isNamed?: (name: string) => boolean) =>
      registry.select(query, isNamed).page.map(({ server }) => server.name)

    assert.deepEqual(select(), ['has-Tool-1', 'has-tool-1', 'has-tool-10'])
    assert.deepEqual(
      select((name) => name.toLowerCase() === 'tool-1'),
      ['has-Tool-1', 'has-tool-1'],
    )
  })

  it('drops a held shrink when the next picture is complete again', () => {
    const { intakeOf, picture, names } = createRegistryWithSources('pulled')
    intakeOf('pulled').setTrust({ stdio: () => true, questionsShrinks: true })
    const many = reading('a', 'a', 'b', 'c', 'd', 'e', 'f')
    picture('pulled', many)

    picture('pulled')
    picture('pulled', many)
    picture('pulled')

    assert.equal(names().length, 6)
  })

  it('resets the health of a server when its target changes, not when its description does', () => {
    const { registry, picture } = createRegistryWithSources('files')
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

  it('shows the worse of the status that the source reports and the one that the probe found', () => {
    const { registry, picture } = createRegistryWithSources('cluster')
    const reported = { status: 'unhealthy', reason: 'no_endpoints' } as const
    picture('cluster', {
      origin: 'a',
      entries: [{ value: { name: 'weather', url: 'http://weather.example/mcp' }, reported }],
    })
    const { status, health } = registry.get('default/weather')?.server ?? assert.fail()
    assert.deepEqual([status, health.reason], ['unhealthy', 'no_endpoints'])
  })

  it('makes no revision of a probe result while the source reports something worse', () => {
    const { registry, picture, events } = createRegistryWithSources('first')
    const reported = { status: 'unhealthy', reason: 'no_endpoints' } as const
    picture('first', { origin: 'a', entries: [{ ...entry(), reported }] })
    const target = targetKey(registry.get('default/weather')?.server ?? assert.fail())
    const observe = (status: Status) =>
      registry.observe([{ id: 'default/weather', target, health: { status, since: '2026-01-01T00:00:00.000Z' } }])
    observe('healthy')
    events()
    const token = registry.token()

    observe('degraded')
    assert.deepEqual([events(), registry.token()], [[], token])

    picture('first', { origin: 'a', entries: [entry()] })
    assert.equal(registry.get('default/weather')?.server.status, 'degraded', 'the probe result was stored')
  })

  it('adds introspected capabilities to the declared ones', () => {
    const { registry, picture } = createRegistryWithSources('files')
    picture('files', { origin: 'a', entries: [entry({ capabilities: ['forecast'] })] })
    const learned = (name: string, kind: Capability['kind'] = 'tool'): Capability => ({
      name,
      version: '1.0.0',
      stability: 'stable',
      tags: [],
      kind,
      origin: 'introspected',
    })
    registry.observe([
      {
        id: 'default/weather',
        target: 'mcp http://weather.example/mcp {}',
        health: { status: 'healthy', since: '2026-01-01T00:00:00.000Z' },
        capabilities: [learned('forecast'), learned('radar'), learned('forecast', 'prompt')],
      },
    ])
    const { capabilities } = registry.get('default/weather')?.server ?? assert.fail()
    assert.deepEqual(
      capabilities.map(({ name, kind, origin }) => `${name} ${kind} ${origin}`),
      ['forecast declared declared', 'radar tool introspected', 'forecast prompt introspected'],
    )
  })

  it('reorders sources on a reload in one revision', () => {
    const { registry, layers, picture, events } = createRegistryWithSources('first', 'second')
    picture('first', reading('a', 'weather'))
    picture('second', reading('b', 'weather', 'maps'))
    events()

    registry.reorderSources(layers.toReversed(), { removed: [], added: [] })

    assert.deepEqual(events(), [['MODIFIED default/weather']])
    assert.equal(registry.get('default/weather')?.server.source, 'second')
  })

  it('runs the beforeRead hook before every read, and publishes its changes in order', () => {
    const { registry, picture, events } = createRegistryWithSources('files', 'leases')
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

describe('a prepared commit', () => {
  const target = 'mcp http://weather.example/mcp {}'
  const healthy = { status: 'healthy', reason: 'ok', since: '2026-01-01T00:00:00.000Z' } as const
  const described = (origin: string, description: string): Reading => ({ origin, entries: [entry({ description })] })
  const shown = ({ registry }: ReturnType<typeof createRegistryWithSources>) => {
    const { description, source, status, shadows } = registry.get('default/weather')?.server ?? assert.fail()
    return { description, source, status, shadows: shadows.map((shadow) => shadow.source) }
  }

  it('changes nothing until it is committed, and is then one revision with its version', () => {
    const { registry, prepare, picture, events, names } = createRegistryWithSources('files', 'other')
    const { commit } = prepare('files', reading('a', 'weather', 'maps'))
    assert.deepEqual([names(), registry.revision()], [[], 0])
    picture('other', reading('o', 'first'))
    events()

    commit()

    assert.deepEqual(events(), [['ADDED default/maps', 'ADDED default/weather']])
    assert.equal(registry.get('default/maps')?.server.resource_version, 'e-2')
  })

  it('leaves no trace when it is discarded', () => {
    const { registry, prepare, picture, names } = createRegistryWithSources('files', 'other')
    picture('other', reading('o', 'maps'))
    const { discard } = prepare('files', reading('a', 'weather', 'maps', 'news'))

    discard()
    picture('files', reading('a', 'news'))

    assert.deepEqual(names(), ['maps', 'news'])
    assert.deepEqual([registry.size(), registry.counts('source').get('files')], [2, 1])
    assert.deepEqual(registry.select({ ...unfilteredQuery, source: ['files'] }).page, [registry.get('default/news')])
  })

  it('dates servers at the time of the commit, not of the preparation', () => {
    let at = Date.parse('2026-01-01T00:00:00Z')
    const registry = createRegistry({ now: () => at, onError: (error) => assert.ifError(error) })
    const layer: Layer = { name: 'files', reach: 'any', discovery_method: 'config_file', order: 0 }
    const intake = createIntake({ layer })
    const { delta } = intake.accept({ type: 'picture', readings: [reading('a', 'weather')] })
    const prepared = runToCompletion(registry.prepareCommit(delta))
    at += 5000

    registry.commit(delta, prepared)

    const { created_at, updated_at } = registry.get('default/weather')?.server ?? assert.fail()
    assert.deepEqual([created_at, updated_at], ['2026-01-01T00:00:05.000Z', '2026-01-01T00:00:05.000Z'])
  })

  it('keeps a probe result that arrives before the commit', () => {
    const there = createRegistryWithSources('files')
    there.picture('files', described('a', 'old'))
    const { commit } = there.prepare('files', described('a', 'new'))
    there.registry.observe([{ id: 'default/weather', target, health: healthy }])

    commit()

    assert.deepEqual(shown(there), { description: 'new', source: 'files', status: 'healthy', shadows: [] })
  })

  for (const [others, expected] of [
    ['before', { description: 'theirs', source: 'before', shadows: ['files'] }],
    ['behind', { description: 'new', source: 'files', shadows: ['behind'] }],
  ] as const) {
    it(`competes with a definition of a source ${others} it that arrives before the commit`, () => {
      const there = createRegistryWithSources('before', 'files', 'behind')
      there.picture('files', described('a', 'old'))
      const { commit } = there.prepare('files', described('a', 'new'))
      there.picture(others, described('b', 'theirs'))

      commit()

      assert.deepEqual(shown(there), { ...expected, status: 'pending' })
      there.picture('files')
      assert.deepEqual(shown(there), { description: 'theirs', source: others, status: 'pending', shadows: [] })
    })
  }

  it('wins a name that becomes free before the commit, and yields one that is taken', () => {
    const there = createRegistryWithSources('before', 'files')
    there.picture('before', described('b', 'theirs'))
    const arrival = there.prepare('files', described('a', 'ours'))
    there.picture('before')
    arrival.commit()
    assert.deepEqual(shown(there), { description: 'ours', source: 'files', status: 'pending', shadows: [] })

    const departure = there.prepare('files')
    there.picture('before', described('b', 'theirs'))
    departure.commit()
    assert.deepEqual(shown(there), { description: 'theirs', source: 'before', status: 'pending', shadows: [] })
  })

  it('is computed again when its own source had another sighting before the commit', () => {
    const { prepare, say, names } = createRegistryWithSources('agents')
    const { commit } = prepare('agents', reading('a', 'a'), reading('b', 'b'))
    say('agents', { type: 'change', readings: [reading('c', 'c')], gone: [] })

    commit()

    assert.deepEqual(names(), ['a', 'b'])
  })

  it('uses the order of sources of a reload that came before the commit', () => {
    const there = createRegistryWithSources('first', 'second')
    const [first, second] = there.layers
    there.picture('first', described('a', 'of the first'))
    const { commit } = there.prepare('second', described('b', 'of the second'))
    assert.ok(first && second)
    there.registry.reorderSources([second, first], { removed: [], added: [] })

    commit()

    assert.deepEqual(shown(there), {
      description: 'of the second',
      source: 'second',
      status: 'pending',
      shadows: ['first'],
    })
  })
})
