import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createLog } from '../../../src/log.ts'
import { type SourceRun, type Sighting, SourceError } from '../../../src/model/source.ts'
import { reading } from '../../made.ts'
import { looking, picture, plan, world } from './test-sources.ts'

describe('supervisor', () => {
  it('logs when the number of rejected entries changes, with one of them', async () => {
    const lines: Record<string, unknown>[] = []
    const { supervisor } = world(
      createLog({ destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } }),
    )
    await using _ = supervisor
    let bad = ['one', 'two']
    const entries = () => bad.map((name) => ({ value: { name, command: 5 }, where: `servers.${name}` }))
    await supervisor.apply([
      plan(
        'files',
        looking(() => ({ type: 'picture', readings: [{ origin: 'a', entries: entries() }] })),
      ),
    ])
    await supervisor.settled()
    await supervisor.refresh('files')
    bad = []
    await supervisor.refresh('files')

    const told = lines.filter(({ msg }) => String(msg).includes('rejected'))
    assert.deepEqual(
      told.map(({ level, rejected, before }) => [level, rejected, before]),
      [
        ['warn', 2, 0],
        ['info', undefined, 2],
      ],
    )
    assert.deepEqual(told[0]?.['first'], {
      origin: 'a',
      where: 'servers.one',
      name: 'one',
      reason: 'command: must be text, not a number',
      kept: false,
    })
  })

  it('takes up what a source says, and says that it answered', async () => {
    const { supervisor, until, names, state } = world()
    await using _ = supervisor
    assert.equal(supervisor.ready(), false)
    await supervisor.apply([
      plan(
        'files',
        looking(() => picture('weather')),
      ),
    ])
    assert.deepEqual(supervisor.syncing(), ['files'])
    assert.equal(supervisor.ready(), false)

    await until(() => names().length === 1)

    assert.deepEqual(supervisor.syncing(), [])
    assert.equal(supervisor.ready(), true)
    assert.equal(state('files'), 'synced')
  })

  it('restarts a source that throws, and keeps its servers meanwhile, stale', async () => {
    const { registry, supervisor, until, names } = world()
    await using _ = supervisor
    let attempts = 0
    const open = () =>
      async function* (): AsyncGenerator<Sighting> {
        attempts += 1
        if (attempts === 1) yield picture('weather')
        if (attempts < 4) throw new SourceError('connection lost')
        yield picture('weather', 'maps')
      }
    await supervisor.apply([plan('flaky', open)])

    await until(() => registry.get('default/weather')?.server.stale === true)
    await until(() => names().length === 2)

    assert.equal(registry.get('default/weather')?.server.stale, false)
    assert.equal(attempts, 4)
    const [status] = supervisor.sources()
    assert.equal(status?.restarts, 3)
    assert.equal(status.last_error, 'connection lost')
  })

  it('cuts a source that says nothing, runs one attempt at a time, and never waits for the hung one', async () => {
    const { supervisor, until, names } = world()
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
    await supervisor.apply([plan('hung', open, { maxSilenceMs: 20 })])

    await until(() => names().length === 1)

    assert.equal(aborted.length >= 1, true)
  })

  it('is not held up by a neighbour that hangs', async () => {
    const { supervisor, until, names } = world()
    await using _ = supervisor
    const never = () =>
      async function* (): AsyncGenerator<Sighting> {
        await new Promise(() => {})
        yield picture()
      }
    await supervisor.apply([
      plan('hung', never),
      plan(
        'files',
        looking(() => picture('weather')),
      ),
    ])

    await until(() => names().length === 1)

    assert.deepEqual(supervisor.syncing(), ['hung'])
  })

  it('answers a refresh with what the fresh look changed', async () => {
    const { supervisor, until, names } = world()
    await using _ = supervisor
    let now = ['weather']
    await supervisor.apply([
      plan(
        'files',
        looking(() => picture(...now)),
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

  it('opens a source anew that had ended, when it is refreshed', async () => {
    const { supervisor, until, names, state } = world()
    await using _ = supervisor
    let opened = 0
    const open = () =>
      async function* (): AsyncGenerator<Sighting> {
        opened += 1
        yield picture(`n${opened}`)
      }
    await supervisor.apply([plan('env', open)])
    await until(() => names().length === 1)

    await supervisor.refresh('env')

    assert.deepEqual(names(), ['n2'])
    assert.equal(state('env'), 'synced')
  })

  it('counts a look that found nothing new as a success, unless what there is fails', async () => {
    const { supervisor } = world()
    await using _ = supervisor
    const failing = { origin: 'a', error: new SourceError('is torn') }
    const said: Sighting[] = [picture('weather'), { type: 'alive' }]
    await supervisor.apply([
      plan(
        'files',
        looking(() => said.shift() ?? { type: 'alive' }),
      ),
    ])
    await supervisor.settled()
    const look = async () => {
      const before = Date.now()
      while (Date.now() === before) await turn()
      await supervisor.refresh('files')
      return supervisor.sources()[0] ?? assert.fail()
    }

    const quiet = await look()
    assert.ok((quiet.last_success ?? '') >= (quiet.last_attempt ?? '?'), 'nothing new')
    said.push({ type: 'alive', waits: true })
    assert.equal((await look()).last_success, quiet.last_success, 'it waits for its time')
    said.push({ type: 'picture', readings: [failing] }, { type: 'alive' })
    await look()
    assert.equal((await look()).last_success, quiet.last_success)
  })

  it('shows a source as disabled that ends without a picture, without servers and without being waited for', async () => {
    const { registry, supervisor, until, names, state } = world()
    await using _ = supervisor
    await supervisor.apply([
      plan(
        'cluster',
        looking(() => picture('weather')),
      ),
    ])
    await until(() => names().length === 1)
    const outside = () =>
      async function* (): AsyncGenerator<Sighting> {
        yield { type: 'alive', note: 'not in a cluster' }
      }

    await supervisor.apply([plan('cluster', outside, { settings: { context: 'none' } })])
    await until(() => registry.size() === 0)

    assert.equal(state('cluster'), 'disabled')
    assert.deepEqual(supervisor.syncing(), [])
  })

  it('names the sources there are when asked for one there is not', async () => {
    const { supervisor } = world()
    await using _ = supervisor
    await supervisor.apply([
      plan(
        'files',
        looking(() => picture()),
      ),
    ])
    await assert.rejects(supervisor.refresh('fils'), /Unknown source "fils".*files/)
  })

  it('leaves equal sources alone on a reload, restarts changed ones, and drops removed ones in one revision', async () => {
    const { registry, supervisor, until, names } = world()
    await using _ = supervisor
    const opened: string[] = []
    const counted = (name: string, ...servers: string[]) =>
      looking(({ signal }) => {
        opened.push(name)
        signal.addEventListener('abort', () => opened.push(`${name} ended`))
        return picture(...servers)
      })
    const same = plan('same', counted('same', 's'), { settings: { path: 'a' } })
    await supervisor.apply([
      same,
      plan('changed', counted('changed', 'c')),
      plan('removed', counted('removed', 'r1', 'r2')),
    ])
    await until(() => names().length === 4)
    const revisions: string[][] = []
    registry.subscribe(({ changes }) =>
      revisions.push(changes.map(({ type, now, before }) => `${type} ${(now ?? before)?.server.name}`)),
    )

    await supervisor.apply([
      plan('same', counted('same', 's'), { settings: { path: 'a' } }),
      plan('changed', counted('changed', 'c', 'new'), { settings: { path: 'b' } }),
    ])
    await until(() => names().includes('new'))

    assert.deepEqual(names(), ['c', 'new', 's'])
    assert.deepEqual(opened.slice(0, 3), ['same', 'changed', 'removed'])
    assert.equal(opened.filter((what) => what === 'same').length, 1)
    assert.equal(opened.includes('same ended'), false)
    assert.deepEqual(revisions, [['DELETED r1', 'DELETED r2'], ['ADDED new']])
  })

  it('keeps the servers of a changed source until it answers anew, even when it cannot', async () => {
    const { registry, supervisor, until, names } = world()
    await using _ = supervisor
    await supervisor.apply([
      plan(
        'files',
        looking(() => picture('weather')),
      ),
    ])
    await until(() => names().length === 1)
    const failing = () =>
      async function* ({ signal }: SourceRun): AsyncGenerator<Sighting> {
        if (!signal.aborted) throw new SourceError('no such host')
        yield picture()
      }

    await supervisor.apply([plan('files', failing, { settings: { url: 'elsewhere' } })])
    await until(() => registry.get('default/weather')?.server.stale === true)

    assert.deepEqual(names(), ['weather'])
  })

  it('applies at once what a source is told, so that the next read sees it', async () => {
    const { supervisor, names } = world()
    await using _ = supervisor
    const attached = Promise.withResolvers<SourceRun['push']>()
    const open = () =>
      async function* (run: SourceRun): AsyncGenerator<Sighting> {
        yield { type: 'picture', readings: [] }
        attached.resolve(run.push)
        await once(run.signal, 'abort')
      }
    await supervisor.apply([plan('agents', open)])
    const tell = await attached.promise

    tell({ type: 'change', readings: [reading('agent-1', 'agent-1')], gone: [] })
    assert.deepEqual(names(), ['agent-1'])
    tell({ type: 'change', readings: [], gone: ['agent-1'] })
    assert.deepEqual(names(), [])
  })

  describe('while a long picture is worked out', () => {
    const many = Array.from({ length: 5000 }, (_, at) => `s${at}`)

    /** A source whose long picture has been said, and is not there yet. */
    async function underway() {
      const told = world()
      const said = Promise.withResolvers<void>()
      const open = looking(() => {
        setImmediate(said.resolve)
        return picture(...many)
      })
      await told.supervisor.apply([plan('files', open)])
      await said.promise
      assert.equal(told.registry.size(), 0, 'it was there at once')
      return told
    }

    it('gives the event loop its turns, and shows it all at once', async () => {
      const { registry, supervisor, until } = await underway()
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

    it('shows nothing of it where the source is removed', async () => {
      const { registry, supervisor } = await underway()

      await supervisor.apply([])
      await supervisor[Symbol.asyncDispose]()

      assert.deepEqual([registry.size(), registry.revision()], [0, 0])
    })

    it('shows only what a source with new settings says', async () => {
      const { registry, supervisor, until, names } = await underway()
      await using _ = supervisor
      const revisions: number[] = []
      registry.subscribe(({ changes }) => revisions.push(changes.length))

      await supervisor.apply([
        plan(
          'files',
          looking(() => picture('weather')),
          { settings: { path: 'elsewhere' } },
        ),
      ])
      await until(() => registry.size() > 0)

      assert.deepEqual([names(), revisions], [['weather'], [1]])
    })

    it('lets a source that was told of something meanwhile keep both', async () => {
      const { registry, supervisor, until } = world()
      await using _ = supervisor
      const attached = Promise.withResolvers<SourceRun['push']>()
      const open = () =>
        async function* (run: SourceRun): AsyncGenerator<Sighting> {
          setImmediate(() => attached.resolve(run.push))
          yield { type: 'change', readings: [reading('all', ...many)], gone: [] }
          await once(run.signal, 'abort')
        }
      await supervisor.apply([plan('agents', open)])
      const tell = await attached.promise

      tell({ type: 'change', readings: [reading('agent-1', 'agent-1')], gone: [] })
      assert.equal(registry.size(), 1)
      await until(() => registry.size() === many.length + 1)
    })
  })

  it('stops within its grace even when a source will not', async () => {
    const { supervisor } = world()
    const deaf = () =>
      async function* (): AsyncGenerator<Sighting> {
        yield picture('weather')
        await new Promise(() => {})
      }
    await supervisor.apply([plan('deaf', deaf)])
    const start = performance.now()
    await supervisor[Symbol.asyncDispose]()
    assert.ok(performance.now() - start < 4000)
  })
})
