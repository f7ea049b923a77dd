import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createLog } from '../../../src/log.ts'
import { type SourceRun, type Sighting, SourceError } from '../../../src/model/source.ts'
import { reading } from '../../builders.ts'
import { readingSource, picture, sourcePlan, createTestSupervisor } from './test-sources.ts'

describe('supervisor', () => {
  it('logs a change of the number of rejected entries, with one of them', async () => {
    const lines: Record<string, unknown>[] = []
    const { supervisor } = createTestSupervisor(
      createLog({ destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } }),
    )
    await using _ = supervisor
    let bad = ['one', 'two']
    const entries = () => bad.map((name) => ({ value: { name, command: 5 }, where: `servers.${name}` }))
    await supervisor.apply([
      sourcePlan(
        'files',
        readingSource(() => ({ type: 'picture', readings: [{ origin: 'a', entries: entries() }] })),
      ),
    ])
    await supervisor.settled()
    await supervisor.refresh('files')
    bad = []
    await supervisor.refresh('files')

    const logged = lines.filter(({ msg }) => String(msg).includes('rejected'))
    assert.deepEqual(
      logged.map(({ level, rejected, before }) => [level, rejected, before]),
      [
        ['warn', 2, 0],
        ['info', undefined, 2],
      ],
    )
    assert.deepEqual(logged[0]?.['first'], {
      origin: 'a',
      where: 'servers.one',
      name: 'one',
      reason: 'command: must be text, not a number',
      kept: false,
    })
  })

  it('applies the first picture of a source, and is ready then', async () => {
    const { supervisor, until, names, state } = createTestSupervisor()
    await using _ = supervisor
    assert.equal(supervisor.ready(), false)
    await supervisor.apply([
      sourcePlan(
        'files',
        readingSource(() => picture('weather')),
      ),
    ])
    assert.deepEqual(supervisor.syncing(), ['files'])
    assert.equal(supervisor.ready(), false)

    await until(() => names().length === 1)

    assert.deepEqual(supervisor.syncing(), [])
    assert.equal(supervisor.ready(), true)
    assert.equal(state('files'), 'synced')
  })

  it('restarts a source that throws, and keeps its servers as stale meanwhile', async () => {
    const { registry, supervisor, until, names } = createTestSupervisor()
    await using _ = supervisor
    let attempts = 0
    const open = () =>
      async function* (): AsyncGenerator<Sighting> {
        attempts += 1
        if (attempts === 1) yield picture('weather')
        if (attempts < 4) throw new SourceError('connection lost')
        yield picture('weather', 'maps')
      }
    await supervisor.apply([sourcePlan('flaky', open)])

    await until(() => registry.get('default/weather')?.server.stale === true)
    await until(() => names().length === 2)

    assert.equal(registry.get('default/weather')?.server.stale, false)
    assert.equal(attempts, 4)
    const [status] = supervisor.sources()
    assert.equal(status?.restarts, 3)
    assert.equal(status.last_error, 'connection lost')
  })

  it('cuts off a source without sightings, and starts the next attempt without waiting for it', async () => {
    const { supervisor, until, names } = createTestSupervisor()
    await using _ = supervisor
    const aborted: boolean[] = []
    let attempts = 0
    const open = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        attempts += 1
        if (attempts > 1) yield picture('weather')
        run.signal.addEventListener('abort', () => aborted.push(true))
        await new Promise(() => {})
      }
    await supervisor.apply([sourcePlan('hung', open, { maxSilenceMs: 20 })])

    await until(() => names().length === 1)

    assert.equal(aborted.length >= 1, true)
  })

  it('applies a source while another one hangs', async () => {
    const { supervisor, until, names } = createTestSupervisor()
    await using _ = supervisor
    const never = () =>
      async function* (): AsyncGenerator<Sighting> {
        await new Promise(() => {})
        yield picture()
      }
    await supervisor.apply([
      sourcePlan('hung', never),
      sourcePlan(
        'files',
        readingSource(() => picture('weather')),
      ),
    ])

    await until(() => names().length === 1)

    assert.deepEqual(supervisor.syncing(), ['hung'])
  })

  it('answers a refresh with the changes of the new read', async () => {
    const { supervisor, until, names } = createTestSupervisor()
    await using _ = supervisor
    let now = ['weather']
    await supervisor.apply([
      sourcePlan(
        'files',
        readingSource(() => picture(...now)),
      ),
    ])
    await until(() => names().length === 1)

    now = ['weather', 'maps']
    const { changes } = await supervisor.refresh('files')

    assert.deepEqual(
      changes.map(({ type, now: row }) => `${type} ${row?.server.name}`),
      ['ADDED maps'],
    )
  })

  it('reopens a source that had ended when it is refreshed', async () => {
    const { supervisor, until, names, state } = createTestSupervisor()
    await using _ = supervisor
    let opened = 0
    const open = () =>
      async function* (): AsyncGenerator<Sighting> {
        opened += 1
        yield picture(`n${opened}`)
      }
    await supervisor.apply([sourcePlan('env', open)])
    await until(() => names().length === 1)

    await supervisor.refresh('env')

    assert.deepEqual(names(), ['n2'])
    assert.equal(state('env'), 'synced')
  })

  it('counts a read without news as a success, unless an origin fails', async () => {
    const { supervisor } = createTestSupervisor()
    await using _ = supervisor
    const failing = { origin: 'a', error: new SourceError('is torn') }
    const sightings: Sighting[] = [picture('weather'), { type: 'alive' }]
    await supervisor.apply([
      sourcePlan(
        'files',
        readingSource(() => sightings.shift() ?? { type: 'alive' }),
      ),
    ])
    await supervisor.settled()
    const read = async () => {
      const before = Date.now()
      while (Date.now() === before) await turn()
      await supervisor.refresh('files')
      return supervisor.sources()[0] ?? assert.fail()
    }

    const quiet = await read()
    assert.ok((quiet.last_success ?? '') >= (quiet.last_attempt ?? '?'), 'nothing new')
    sightings.push({ type: 'alive', waits: true })
    assert.equal((await read()).last_success, quiet.last_success, 'the source was not read yet')
    sightings.push({ type: 'picture', readings: [failing] }, { type: 'alive' })
    await read()
    assert.equal((await read()).last_success, quiet.last_success)
  })

  it('disables a source that ends without a picture; it has no servers and delays no readiness', async () => {
    const { registry, supervisor, until, names, state } = createTestSupervisor()
    await using _ = supervisor
    await supervisor.apply([
      sourcePlan(
        'cluster',
        readingSource(() => picture('weather')),
      ),
    ])
    await until(() => names().length === 1)
    const outside = () =>
      async function* (): AsyncGenerator<Sighting> {
        yield { type: 'alive', note: 'not in a cluster' }
      }

    await supervisor.apply([sourcePlan('cluster', outside, { settings: { context: 'none' } })])
    await until(() => registry.size() === 0)

    assert.equal(state('cluster'), 'disabled')
    assert.deepEqual(supervisor.syncing(), [])
  })

  it('lists the sources in the error for an unknown one', async () => {
    const { supervisor } = createTestSupervisor()
    await using _ = supervisor
    await supervisor.apply([
      sourcePlan(
        'files',
        readingSource(() => picture()),
      ),
    ])
    await assert.rejects(supervisor.refresh('fils'), /Unknown source "fils".*files/)
  })

  it('keeps equal sources running on a reload, restarts changed ones, and drops removed ones in one revision', async () => {
    const { registry, supervisor, until, names } = createTestSupervisor()
    await using _ = supervisor
    const opened: string[] = []
    const counted = (name: string, ...servers: string[]) =>
      readingSource(({ signal }) => {
        opened.push(name)
        signal.addEventListener('abort', () => opened.push(`${name} ended`))
        return picture(...servers)
      })
    const same = sourcePlan('same', counted('same', 's'), { settings: { path: 'a' } })
    await supervisor.apply([
      same,
      sourcePlan('changed', counted('changed', 'c')),
      sourcePlan('removed', counted('removed', 'r1', 'r2')),
    ])
    await until(() => names().length === 4)
    const revisions: string[][] = []
    registry.subscribe(({ changes }) =>
      revisions.push(changes.map(({ type, now, before }) => `${type} ${(now ?? before)?.server.name}`)),
    )

    await supervisor.apply([
      sourcePlan('same', counted('same', 's'), { settings: { path: 'a' } }),
      sourcePlan('changed', counted('changed', 'c', 'new'), { settings: { path: 'b' } }),
    ])
    await until(() => names().includes('new'))

    assert.deepEqual(names(), ['c', 'new', 's'])
    assert.deepEqual(opened.slice(0, 3), ['same', 'changed', 'removed'])
    assert.equal(opened.filter((what) => what === 'same').length, 1)
    assert.equal(opened.includes('same ended'), false)
    assert.deepEqual(revisions, [['DELETED r1', 'DELETED r2'], ['ADDED new']])
  })

  it('keeps the servers of a changed source until its first answer, even if it fails', async () => {
    const { registry, supervisor, until, names } = createTestSupervisor()
    await using _ = supervisor
    await supervisor.apply([
      sourcePlan(
        'files',
        readingSource(() => picture('weather')),
      ),
    ])
    await until(() => names().length === 1)
    const failing = () =>
      async function* ({ signal }: SourceRun): AsyncGenerator<Sighting> {
        if (!signal.aborted) throw new SourceError('no such host')
        yield picture()
      }

    await supervisor.apply([sourcePlan('files', failing, { settings: { url: 'elsewhere' } })])
    await until(() => registry.get('default/weather')?.server.stale === true)

    assert.deepEqual(names(), ['weather'])
  })

  it('applies a pushed sighting at once, so that the next read sees it', async () => {
    const { supervisor, names } = createTestSupervisor()
    await using _ = supervisor
    const attached = Promise.withResolvers<SourceRun['push']>()
    const open = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        yield { type: 'picture', readings: [] }
        attached.resolve(run.push)
        await once(run.signal, 'abort')
      }
    await supervisor.apply([sourcePlan('agents', open)])
    const push = await attached.promise

    push({ type: 'change', readings: [reading('agent-1', 'agent-1')], gone: [] })
    assert.deepEqual(names(), ['agent-1'])
    push({ type: 'change', readings: [], gone: ['agent-1'] })
    assert.deepEqual(names(), [])
  })

  describe('while a long picture is prepared', () => {
    const many = Array.from({ length: 5000 }, (_, at) => `s${at}`)

    /** A supervisor with a source whose long picture is being prepared. */
    async function startPreparing() {
      const parts = createTestSupervisor()
      const yielded = Promise.withResolvers<void>()
      const open = readingSource(() => {
        setImmediate(yielded.resolve)
        return picture(...many)
      })
      await parts.supervisor.apply([sourcePlan('files', open)])
      await yielded.promise
      assert.equal(parts.registry.size(), 0, 'applied too early')
      return parts
    }

    it('yields to the event loop, and applies all of it at once', async () => {
      const { registry, supervisor, until } = await startPreparing()
      await using _ = supervisor
      let turns = 0
      const turning = setInterval(() => (turns += 1), 1)
      const sizes = new Set<number>()
      registry.subscribe(() => sizes.add(registry.size()))

      await until(() => registry.size() > 0)
      clearInterval(turning)

      assert.deepEqual([...sizes], [many.length])
      assert.ok(turns > 1, `${turns} turns`)
    })

    it('applies nothing of it when the source is removed', async () => {
      const { registry, supervisor } = await startPreparing()

      await supervisor.apply([])
      await supervisor[Symbol.asyncDispose]()

      assert.deepEqual([registry.size(), registry.revision()], [0, 0])
    })

    it('applies only the answer of the source with new settings', async () => {
      const { registry, supervisor, until, names } = await startPreparing()
      await using _ = supervisor
      const revisions: number[] = []
      registry.subscribe(({ changes }) => revisions.push(changes.length))

      await supervisor.apply([
        sourcePlan(
          'files',
          readingSource(() => picture('weather')),
          { settings: { path: 'elsewhere' } },
        ),
      ])
      await until(() => registry.size() > 0)

      assert.deepEqual([names(), revisions], [['weather'], [1]])
    })

    it('applies a sighting pushed meanwhile as well', async () => {
      const { registry, supervisor, until } = createTestSupervisor()
      await using _ = supervisor
      const attached = Promise.withResolvers<SourceRun['push']>()
      const open = () =>
        async function* (run: SourceRun): AsyncGenerator<Sighting> {
          setImmediate(() => attached.resolve(run.push))
          yield { type: 'change', readings: [reading('all', ...many)], gone: [] }
          await once(run.signal, 'abort')
        }
      await supervisor.apply([sourcePlan('agents', open)])
      const push = await attached.promise

      push({ type: 'change', readings: [reading('agent-1', 'agent-1')], gone: [] })
      assert.equal(registry.size(), 1)
      await until(() => registry.size() === many.length + 1)
    })
  })

  it('stops within the grace period although a source hangs', async () => {
    const { supervisor } = createTestSupervisor()
    const hung = () =>
      async function* (): AsyncGenerator<Sighting> {
        yield picture('weather')
        await new Promise(() => {})
      }
    await supervisor.apply([sourcePlan('hung', hung)])
    const start = performance.now()
    await supervisor[Symbol.asyncDispose]()
    assert.ok(performance.now() - start < 4000)
  })
})
