import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isNewer, type StoreOperation, type Store } from '../../src/stores/store.ts'
import { confirm, put, registrationIn, retire, typesOf, until } from '../stores/builders.ts'
import { testReplicas } from './replicas.ts'
import { testRewind } from './rewind.ts'
import { newEvent, testStoredEvents } from './stored-events.ts'
import { testStoredMembers } from './stored-members.ts'
import { testStoredStatistics } from './stored-statistics.ts'
import { testStoredVerdicts } from './stored-verdicts.ts'

/** One database, and how to open it. */
export type TestDatabase = AsyncDisposable & {
  readonly open: () => Promise<Store>
  /** Saves the content, as a copy of the database has it; the result puts it back under the open stores. */
  readonly save?: () => Promise<() => Promise<void>>
  /** Executes a statement in a transaction that stays open; the result commits it. */
  readonly hold?: (sql: string) => Promise<() => Promise<void>>
}

export type StoreKind = {
  readonly name: string
  /** A fresh, empty database. */
  readonly make: () => Promise<TestDatabase>
  /** Whether the content survives closing and opening. */
  readonly survives: boolean
  /** Whether several stores may be open on it at once. */
  readonly shared: boolean
  /** Whether several daemons are meant to share it, and how soon one reads the verdicts of another, in ms. */
  readonly members?: { readonly wakeMs: number }
  /** Why the suite cannot run here. */
  readonly skip?: string | undefined
}

/** Tests of the promises of `Store`, for every type of store. */
export function testStoreContract({ name, make, survives, shared, members, skip }: StoreKind): void {
  describe(`the ${name} store`, { skip }, () => {
    let database: TestDatabase
    let store: Store

    before(async () => {
      database = await make()
      store = await database.open()
    })
    after(async () => {
      await store[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    })

    const named = async (expected: string) => (await store.load()).registrations.filter(({ name }) => name === expected)

    it('loads a registration exactly as it was put', async () => {
      const definition =
        '{ "name":"plain" ,\n "n":12345678901234567890, "t":"\\u0000 é 🦉 \'\'; DROP TABLE agents;--" }'
      const lease = { timeout: 1.5, eviction: 7200, instance_id: "i'1\\", holder: 'team "a"' }

      const [outcome] = await store.commit([put({ name: 'plain', namespace: 'team-a', definition, lease })])

      const { resource_version, created_at, updated_at, ...rest } = registrationIn(outcome)
      assert.deepEqual(rest, { kind: 'agent', name: 'plain', namespace: 'team-a', definition, lease })
      assert.match(resource_version, /^\d+$/)
      assert.equal(created_at, updated_at)
      assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000, created_at)
      assert.deepEqual(await named('plain'), [registrationIn(outcome)])
    })

    it('stores names and texts of any characters exactly', async () => {
      const names = [
        "'; DROP TABLE roster_registrations; --",
        '%_*?\\',
        '🦉 owl/é',
        'Case',
        'case',
        'trailing ',
        'trailing',
        '__proto__',
        'é',
        'e\u0301',
        'ß',
        'ss',
        'x'.repeat(253),
        '🦉'.repeat(126),
      ]

      await store.commit(names.map((name) => put({ kind: 'manual', name, definition: JSON.stringify({ name }) })))

      const { registrations } = await store.load()
      const matching = registrations.filter(({ kind }) => kind === 'manual')
      assert.deepEqual(matching.map(({ name }) => name).toSorted(), names.toSorted())
      for (const { name, definition } of matching) assert.equal(JSON.parse(definition).name, name)
    })

    it('keeps the manual server and the override of one name apart', async () => {
      const at = { namespace: 'team-o', name: 'both' }
      const kinds = ['manual', 'override'] as const
      await store.commit(kinds.map((kind) => put({ kind, ...at, definition: JSON.stringify({ kind }) })))
      const stored = (await named('both')).toSorted((one, other) => (one.kind < other.kind ? -1 : 1))
      assert.deepEqual(
        stored.map(({ kind, definition }) => [kind, definition]),
        kinds.map((kind) => [kind, JSON.stringify({ kind })]),
      )

      await store.commit([{ type: 'delete', kind: 'manual', ...at, expect: 'any' }])
      assert.deepEqual(
        (await named('both')).map(({ kind, namespace }) => [kind, namespace]),
        [['override', 'team-o']],
      )
    })

    it('rejects operations that no database can store, and executes the others', async () => {
      const outcomes = await store.commit([
        put({ name: 'nul\0' }),
        put({ name: 'half \ud83e' }),
        put({ name: 'x'.repeat(10_000) }),
        put({ name: 'raw-nul', definition: '"\0"' }),
        put({ name: 'huge', definition: 'x'.repeat(1024 * 1024 + 1) }),
        put({ name: 'odd-lease', lease: { timeout: Number.NaN, eviction: 1 } }),
        put({ name: 'fine' }),
      ])

      assert.deepEqual(typesOf(outcomes), [...Array.from({ length: 6 }, () => 'rejected'), 'put'])
      assert.match(JSON.stringify(outcomes[0]), /name must not hold a NUL/)
    })

    it('stores a definition of a megabyte', async () => {
      const definition = JSON.stringify('🦉'.repeat(400_000))

      await store.commit([put({ name: 'big', definition })])

      assert.equal((await named('big'))[0]?.definition, definition)
    })

    it('assigns every write a greater version', async () => {
      const versions: string[] = []
      for (let round = 0; round < 3; round += 1) {
        const outcomes = await store.commit([put({ name: 'a' }), put({ name: 'b' })])
        versions.push(...outcomes.map((outcome) => registrationIn(outcome).resource_version))
      }
      const [deleted] = await store.commit([
        { type: 'delete', kind: 'agent', namespace: 'default', name: 'a', expect: 'any' },
      ])
      assert.ok(deleted?.type === 'deleted')
      versions.push(deleted.resource_version)

      for (const [index, version] of versions.entries()) {
        if (index > 0) assert.ok(isNewer(version, versions[index - 1]!), versions.join(' '))
      }
      assert.ok(!isNewer((await store.load()).resource_version, deleted.resource_version))
    })

    it('keeps created_at at an update, and advances updated_at', async () => {
      const first = registrationIn((await store.commit([put({ name: 'kept' })]))[0])
      const change = async () => registrationIn((await store.commit([put({ name: 'kept', definition: '{}' })]))[0])
      await until(async () => (await change()).updated_at > first.updated_at)

      assert.equal((await change()).created_at, first.created_at)
    })

    it('lets exactly one of several concurrent writers with the same expected version win', async () => {
      let { resource_version: version } = registrationIn((await store.commit([put({ name: 'contended' })]))[0])
      for (let round = 0; round < 5; round += 1) {
        const expect = { version }
        const outcomes = await Promise.all(
          Array.from({ length: 40 }, (_, writer) =>
            store.commit([put({ name: 'contended', definition: `{"writer":${writer}}`, expect })]),
          ),
        )
        const winners = outcomes.flat().filter(({ type }) => type === 'put')
        assert.equal(winners.length, 1)
        version = registrationIn(winners[0]).resource_version
        for (const outcome of outcomes.flat()) {
          if (outcome.type === 'conflict') assert.equal(outcome.current?.resource_version, version)
        }
        assert.deepEqual(await named('contended'), [registrationIn(winners[0])])
      }
    })

    it('executes each operation of a call on the result of the previous ones', async () => {
      const outcomes = await store.commit([
        put({ name: 'chain', expect: 'none', definition: '1' }),
        put({ name: 'chain', expect: 'none', definition: '2' }),
        { type: 'delete', kind: 'agent', namespace: 'default', name: 'chain', expect: 'any' },
        { type: 'delete', kind: 'agent', namespace: 'default', name: 'chain', expect: 'any' },
        put({ name: 'chain', expect: 'none', definition: '3' }),
      ])

      assert.deepEqual(typesOf(outcomes), ['put', 'conflict', 'deleted', 'conflict', 'put'])
      assert.ok(outcomes[1]?.type === 'conflict' && outcomes[1].current?.definition === '1')
      assert.equal((await named('chain'))[0]?.definition, '3')
    })

    it('reports a conflict for an outdated or malformed expected version', async () => {
      await store.commit([put({ name: 'there' })])
      const outcomes = await store.commit([
        put({ name: 'there', expect: { version: '1' } }),
        put({ name: 'there', expect: { version: '99999999999999999999999999' } }),
        put({ name: 'there', expect: { version: "' OR 1=1" } }),
        put({ name: 'there', expect: { version: '' } }),
        put({ name: 'not-there', expect: { version: '1' } }),
        { type: 'delete', kind: 'agent', namespace: 'default', name: 'there', expect: { version: '-1' } },
        put({ name: 'there', expect: 'none' }),
      ])

      assert.deepEqual(new Set(typesOf(outcomes)), new Set(['conflict']))
      assert.deepEqual(await named('not-there'), [])
    })

    it('confirms the stored version without a new one, and shows the registration where it differs', async () => {
      const registration = registrationIn((await store.commit([put({ name: 'confirmed' })]))[0])
      const { resource_version: before } = await store.load()

      const outcomes = await store.commit([
        confirm('confirmed', { version: registration.resource_version }),
        confirm('confirmed', { version: '1' }),
        confirm('confirmed', 'none'),
        confirm('absent', 'none'),
        confirm('absent', { version: '1' }),
      ])

      const conflict = { type: 'conflict', current: registration }
      assert.deepEqual(outcomes, [
        { type: 'confirmed' },
        conflict,
        conflict,
        { type: 'confirmed' },
        { type: 'conflict', current: undefined },
      ])
      assert.equal((await store.load()).resource_version, before)
    })

    it('confirms what the operations before it in a call have stored', async () => {
      const outcomes = await store.commit([
        confirm('in-turn', 'none'),
        put({ name: 'in-turn' }),
        confirm('in-turn', 'none'),
        { type: 'delete', kind: 'agent', namespace: 'default', name: 'in-turn', expect: 'any' },
        confirm('in-turn', 'none'),
      ])

      assert.deepEqual(typesOf(outcomes), ['confirmed', 'put', 'conflict', 'deleted', 'confirmed'])
    })

    it('retires an agent with its heartbeat, and none that was registered again', async () => {
      const [first, again] = await store.commit([put({ name: 'retired' }), put({ name: 'again' })])
      store.recordHeartbeats([{ name: 'retired', age_ms: 0, timeout: 0 }])
      await until(() => store.state().pending.heartbeats === 0)
      const { resource_version: version } = registrationIn(first)
      const newer = registrationIn((await store.commit([put({ name: 'again' })]))[0])

      const outcomes = await store.commit([
        retire('retired', version, 60_000),
        retire('retired', version, 60_000),
        retire('again', registrationIn(again).resource_version, 60_000),
      ])

      assert.deepEqual(typesOf(outcomes), ['deleted', 'conflict', 'conflict'])
      assert.deepEqual(outcomes.slice(1), [
        { type: 'conflict', current: undefined },
        { type: 'conflict', current: newer },
      ])
      assert.deepEqual(await named('retired'), [])
      assert.equal((await named('again')).length, 1)
    })

    it('moves an agent to another namespace, and separates manual servers by namespace', async () => {
      await store.commit([put({ name: 'mover', namespace: 'one' })])
      await store.commit([put({ name: 'mover', namespace: 'two' })])
      await store.commit([
        put({ kind: 'manual', name: 'twin', namespace: 'one' }),
        put({ kind: 'manual', name: 'twin', namespace: 'two', expect: 'none' }),
        put({ kind: 'agent', name: 'twin', namespace: 'one', expect: 'none' }),
      ])

      assert.deepEqual(
        (await named('mover')).map(({ namespace }) => namespace),
        ['two'],
      )
      assert.equal((await named('twin')).length, 3)
    })

    it('removes the lease at a put without one', async () => {
      await store.commit([put({ name: 'leased' })])
      const { lease: _, ...without } = put({ name: 'leased' }) as Extract<StoreOperation, { type: 'put' }>
      await store.commit([without])

      assert.equal((await named('leased'))[0]?.lease, undefined)
    })

    it('executes a thousand parallel calls in the order in which they were made', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 1000 }, (_, n) => store.commit([put({ name: `crowd-${n % 100}`, definition: `${n}` })])),
      )

      const versions = outcomes.map(([outcome]) => registrationIn(outcome).resource_version)
      for (const [index, version] of versions.entries()) {
        if (index > 0) assert.ok(isNewer(version, versions[index - 1]!))
      }
      const { registrations } = await store.load()
      const crowd = registrations.filter(({ name }) => name.startsWith('crowd-'))
      assert.deepEqual(
        crowd.map(({ definition }) => Number(definition)).toSorted((a, b) => a - b),
        Array.from({ length: 100 }, (_, n) => 900 + n),
      )
    })

    it('loads thousands of registrations', async () => {
      const many = Array.from({ length: 5000 }, (_, n) => put({ kind: 'manual', namespace: 'many', name: `m-${n}` }))
      await store.commit(many)

      const { registrations } = await store.load()
      const matching = registrations.filter(({ namespace }) => namespace === 'many')

      assert.equal(new Set(matching.map(({ name }) => name)).size, 5000)
      await store.commit(
        many.map(({ kind, namespace, name }) => ({ type: 'delete', kind, namespace, name, expect: 'any' })),
      )
    })

    it('stores the latest heartbeat of each agent with its age', async () => {
      await store.commit([put({ name: 'beating' }), put({ name: 'beating-too' })])
      store.recordHeartbeats([
        { name: 'beating', age_ms: 5000, timeout: 0.3 },
        { name: 'beating-too', age_ms: 0, timeout: 60, self_report: '{"status":"degraded"}' },
        { name: 'missing', age_ms: 0, timeout: 60 },
        { name: 'n\0l', age_ms: 0, timeout: 60 },
      ])
      store.recordHeartbeats([{ name: 'beating', age_ms: 1000, timeout: 60 }])
      await until(() => store.state().pending.heartbeats === 0)

      const { heartbeats } = await store.load()
      const beating = heartbeats.find(({ name }) => name === 'beating')
      assert.ok(beating && beating.age_ms >= 1000 && beating.age_ms < 4000, JSON.stringify(heartbeats))
      assert.equal(heartbeats.find(({ name }) => name === 'beating-too')?.self_report, '{"status":"degraded"}')
      assert.equal(
        heartbeats.some(({ name }) => name === 'missing'),
        false,
      )
    })

    it('ignores a heartbeat older than the stored one', async () => {
      await store.commit([put({ name: 'late' })])
      store.recordHeartbeats([{ name: 'late', age_ms: 0, timeout: 0 }])
      await until(() => store.state().pending.heartbeats === 0)
      store.recordHeartbeats([{ name: 'late', age_ms: 60_000, timeout: 0 }])
      await until(() => store.state().pending.heartbeats === 0)

      const { heartbeats } = await store.load()
      assert.ok((heartbeats.find(({ name }) => name === 'late')?.age_ms ?? Infinity) < 30_000)
    })

    it('deletes the heartbeat of an agent with the agent', async () => {
      await store.commit([put({ name: 'gone' })])
      store.recordHeartbeats([{ name: 'gone', age_ms: 0, timeout: 0 }])
      await until(() => store.state().pending.heartbeats === 0)
      await store.commit([{ type: 'delete', kind: 'agent', namespace: 'default', name: 'gone', expect: 'any' }])
      await store.commit([put({ name: 'gone' })])

      assert.equal(
        (await store.load()).heartbeats.some(({ name }) => name === 'gone'),
        false,
      )
    })

    it('replaces the readings of one source only', async () => {
      await store.saveReadings('partner', 'f1', [
        { origin: 'https://a.example/?q=1', reading: '[1]' },
        { origin: 'https://b.example/', reading: '[2]' },
      ])
      await store.saveReadings('dns', 'f2', [{ origin: '🦉', reading: JSON.stringify('\0 \ud800 é'.repeat(100_000)) }])
      await store.saveReadings('partner', 'f3', [{ origin: 'https://b.example/', reading: '[3]' }])
      await store.saveReadings('empty', 'f4', [])

      const stored = new Map((await store.readings()).map((one) => [one.source, one]))
      assert.deepEqual(stored.get('partner')?.readings, [{ origin: 'https://b.example/', reading: '[3]' }])
      assert.equal(stored.get('partner')?.fingerprint, 'f3')
      assert.ok(Math.abs(Date.parse(stored.get('partner')!.kept_at) - Date.now()) < 60_000)
      assert.equal(stored.get('dns')?.readings[0]?.reading.length, JSON.stringify('\0 \ud800 é'.repeat(100_000)).length)
      assert.deepEqual(stored.get('empty')?.readings, [])
    })

    it('rejects a reading that cannot be stored, and keeps the previous one', async () => {
      await store.saveReadings('whole', 'f', [{ origin: 'o', reading: '[]' }])
      await assert.rejects(
        store.saveReadings('whole', 'f', [{ origin: 'o\0', reading: '[]' }]),
        /cannot store a reading of whole/,
      )

      assert.equal((await store.readings()).find(({ source }) => source === 'whole')?.readings[0]?.origin, 'o')
    })

    it('ends the change feed after its signal aborts', async () => {
      const stop = new AbortController()
      const following = (async () => {
        for await (const _ of store.changes({ since: '0', signal: stop.signal }));
      })()
      setImmediate(() => stop.abort())
      await following
    })

    testStoredEvents({ one: () => store })
    // In memory they would only be a second copy.
    if (survives) testStoredStatistics({ one: () => store })

    if (survives) it('has the same content after closing and opening', hasSameContent)

    async function hasSameContent(): Promise<void> {
      await store.commit([put({ name: 'survivor', lease: { timeout: 60, eviction: 120, holder: 'h' } })])
      store.recordHeartbeats([{ name: 'survivor', age_ms: 0, timeout: 60 }])
      await store.saveReadings('surviving', 'f', [{ origin: 'o', reading: '[]' }])
      await store.appendEvents([newEvent({ source: 'surviving' })])
      const earlierEvents = await store.events({ filter: {}, limit: 10 })
      const earlier = await store.load()
      await store[Symbol.asyncDispose]()
      await assert.rejects(store.commit([put()]), { name: 'StoreUnavailable' })

      store = await database.open()

      const snapshot = await store.load()
      assert.deepEqual(snapshot.registrations, earlier.registrations)
      assert.equal(snapshot.epoch, earlier.epoch)
      assert.ok(snapshot.heartbeats.some(({ name }) => name === 'survivor'))
      assert.ok((await store.readings()).some(({ source }) => source === 'surviving'))
      assert.deepEqual(await store.events({ filter: {}, limit: 10 }), earlierEvents)
      const next = registrationIn((await store.commit([put({ name: 'after' })]))[0])
      assert.ok(isNewer(next.resource_version, earlier.resource_version))
    }

    if (shared) testReplicas({ open: () => database.open(), one: () => store })
    if (shared) testRewind({ make })
    if (members) {
      testStoredMembers({ open: () => database.open(), one: () => store })
      testStoredVerdicts({ make, wakeMs: members.wakeMs })
    } else {
      it('has no members and no verdicts, since its daemon is alone', () => {
        assert.equal(store.members, undefined)
        assert.equal(store.verdicts, undefined)
      })
    }
  })
}
