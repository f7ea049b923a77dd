import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EventQuery, NewEvent, StoredEvent } from '../../src/stores/event.ts'
import type { Store } from '../../src/stores/store.ts'

/** An event to store; override what matters. */
export function newEvent(fields: Partial<NewEvent> = {}): NewEvent {
  return { age_ms: 0, type: 'status', event_type: 'unhealthy', body: '{}', ...fields }
}

export const bodiesOf = (events: readonly StoredEvent[]) => events.map(({ body }) => JSON.parse(body) as number)

/** Events whose bodies are the numbers from `from` to before `to`. */
export const numbered = (from: number, to: number, fields: Partial<NewEvent> = {}) =>
  Array.from({ length: to - from }, (_, index) => newEvent({ body: `${from + index}`, ...fields }))

/** Tests of the promises of a store for events. */
export function testStoredEvents({ one }: { /** An open instance. */ one: () => Store }): void {
  const select = async (filter: EventQuery['filter'], query: Partial<EventQuery> = {}) =>
    (await one().events({ filter, limit: 500, ...query })).events

  describe('with events', () => {
    it('returns an event as it was stored, with an id and the time at which it happened', async () => {
      const event = newEvent({
        type: 'rewired',
        event_type: 'dependency_resolved',
        namespace: 'team-a',
        server: 'team-a/weather',
        agent_id: 'weather',
        function_name: "f'; DROP TABLE roster_events;--",
        source: '🦉 é',
        body: '{ "reason":"refused" ,\n "t":"\\u0000 🦉", "n":12345678901234567890 }',
        digest: 'd',
      })
      const { age_ms: _age, digest: _digest, ...stored } = event

      await one().appendEvents([{ ...event, age_ms: 5000 }])

      const [{ id, at, ...rest } = { id: '', at: '' }] = await select({ agent_id: 'weather' })
      assert.deepEqual(rest, stored)
      assert.match(id, /^\d+$/)
      const age = Date.now() - Date.parse(at)
      assert.ok(age > 4000 && age < 65_000, at)
    })

    it('lists the newest first, and the oldest first after an id', async () => {
      await one().appendEvents(numbered(0, 5, { source: 'order' }))
      await one().appendEvents(numbered(5, 10, { source: 'order' }))

      const newestFirst = await select({ source: 'order' }, { limit: 3 })
      const older = await select({ source: 'order' }, { limit: 3, before: newestFirst.at(-1)?.id })
      const after = await select({ source: 'order' }, { limit: 2, after: older.at(-1)?.id })

      assert.deepEqual([newestFirst, older, after].map(bodiesOf), [
        [9, 8, 7],
        [6, 5, 4],
        [5, 6],
      ])
      const ids = (await select({ source: 'order' })).map(({ id }) => Number(id))
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => b - a),
      )
    })

    it('selects by each field exactly, and by namespaces and time', async () => {
      const time = Date.now()
      await one().appendEvents([
        newEvent({ source: 'select', namespace: 'a', server: 'a/x', agent_id: 'X', body: '1' }),
        newEvent({ source: 'select', namespace: 'b', server: 'b/x', agent_id: 'x', function_name: 'f', body: '2' }),
        newEvent({ source: 'select', namespace: 'c', type: 'changed', event_type: 'update', body: '3' }),
        newEvent({ source: 'select', type: 'reload', body: '4' }),
        newEvent({ source: 'select', namespace: 'a', age_ms: 3_600_000, body: '5' }),
        newEvent({ source: 'select ', body: '6' }),
      ])
      const selected = async (filter: EventQuery['filter']) => bodiesOf(await select({ source: 'select', ...filter }))

      assert.deepEqual(await selected({}), [5, 4, 3, 2, 1])
      assert.deepEqual(await selected({ agent_id: 'x' }), [2])
      assert.deepEqual(await selected({ server: 'a/x' }), [1])
      assert.deepEqual(await selected({ function_name: 'f' }), [2])
      assert.deepEqual(await selected({ types: ['changed'] }), [3])
      assert.deepEqual(await selected({ types: ['update', 'reload', 'none'] }), [4, 3])
      assert.deepEqual(await select({ source: ['select ', 'nothing'] }).then(bodiesOf), [6])
      assert.deepEqual(await selected({ types: ['unhealthy'], namespaces: ['a', 'c'] }), [5, 1])
      assert.deepEqual(await selected({ namespaces: ['a', 'b'] }), [5, 2, 1])
      assert.deepEqual(await selected({ namespaces: [] }), [])
      assert.deepEqual(await selected({ since: time - 1_800_000, namespaces: ['a'] }), [1])
      for (const text of ["x' OR 1=1 --", 'n\0l', 'half \ud83e', '%'])
        assert.deepEqual(await selected({ agent_id: text }), [], JSON.stringify(text))
    })

    it('reports the bounds of the ids', async () => {
      await one().appendEvents(numbered(0, 3, { source: 'bounds' }))

      const { events, newest, oldest } = await one().events({ filter: { source: 'bounds' }, limit: 2 })

      assert.equal(newest, events[0]?.id)
      assert.ok(Number(oldest) <= Number(events[1]?.id))
      const nothing = await one().events({ filter: { source: 'nothing' }, limit: 2, after: newest })
      assert.deepEqual([nothing.events, nothing.newest], [[], newest])
    })

    it('rejects an event that no database can store, and stores none of its call', async () => {
      const before = await one().events({ filter: {}, limit: 1 })
      for (const event of [newEvent({ agent_id: 'n\0l' }), newEvent({ body: 'x'.repeat(70_000) })])
        await assert.rejects(one().appendEvents([newEvent(), event]), /cannot store an event/)

      assert.equal((await one().events({ filter: {}, limit: 1 })).newest, before.newest)
    })

    it('stores events of many megabytes in one call', async () => {
      const body = JSON.stringify('🦉'.repeat(16_000))

      await one().appendEvents(Array.from({ length: 200 }, () => newEvent({ source: 'big', body })))

      assert.equal((await select({ source: 'big' })).filter((event) => event.body === body).length, 200)
    })

    it('stores the events of parallel calls once each, in the order of the calls', async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, n) => one().appendEvents(numbered(n * 10, n * 10 + 10, { source: 'crowd' }))),
      )

      const bodies = bodiesOf(await select({ source: 'crowd' }))
      assert.deepEqual(
        bodies.toSorted((a, b) => a - b),
        Array.from({ length: 200 }, (_, n) => n),
      )
    })

    it('removes the oldest events beyond the number and the age', async () => {
      await one().appendEvents(numbered(0, 3000, { source: 'prune' }))
      await one().pruneEvents({ maxRows: 100, maxAgeMs: 3_600_000 })
      const kept = await one().events({ filter: {}, limit: 500 })
      assert.deepEqual(
        bodiesOf(kept.events).toReversed(),
        Array.from({ length: 100 }, (_, n) => 2900 + n),
      )
      assert.equal(kept.oldest, kept.events.at(-1)?.id)

      await one().appendEvents(numbered(0, 3, { source: 'old', age_ms: 7_200_000 }))
      await one().pruneEvents({ maxRows: 100, maxAgeMs: 3_600_000 })
      // An old event behind a younger one stays until that goes.
      assert.equal((await select({ source: 'old' })).length, 3)
      await one().pruneEvents({ maxRows: 3, maxAgeMs: 3_600_000 })

      const empty = await one().events({ filter: {}, limit: 500 })
      assert.deepEqual([empty.events, empty.oldest], [[], undefined])
      await one().appendEvents([newEvent()])
      assert.equal(Number((await select({}))[0]?.id), Number(empty.newest) + 1)
    })
  })
}

/** Tests of the promises of a store for events to several daemons on one database. */
export function testReplicaEvents({ one, other }: { readonly one: () => Store; readonly other: () => Store }): void {
  it('stores once what two instances saw, and each as often as it happened', async () => {
    const seen = (instance: Store, ...digests: string[]) =>
      instance.appendEvents(
        digests.map((digest) => newEvent({ source: 'twins', digest, body: JSON.stringify(digest) })),
      )
    await seen(one(), 'fell', 'rose')
    await seen(other(), 'fell', 'rose', 'alone')
    await seen(other(), 'fell')
    await seen(one(), 'fell', 'fell')
    await one().appendEvents([
      newEvent({ source: 'twins', body: '"same"' }),
      newEvent({ source: 'twins', body: '"same"' }),
    ])
    await other().appendEvents([newEvent({ source: 'twins', body: '"same"' })])

    const { events } = await other().events({ filter: { source: 'twins' }, limit: 500 })

    assert.deepEqual(events.map(({ body }) => JSON.parse(body) as string).toReversed(), [
      'fell',
      'rose',
      'alone',
      'fell',
      'fell',
      'same',
      'same',
      'same',
    ])
  })

  it('makes events of both instances visible in the order of their ids', async () => {
    const { newest } = await one().events({ filter: {}, limit: 1 })
    let after = newest
    const read: string[] = []
    const writing = Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        (n % 2 ? one() : other()).appendEvents(numbered(n, n + 1, { source: 'race' })),
      ),
    )
    let isWritten = false
    const done = writing.then(() => (isWritten = true))
    for (let isLast = false; !isLast;) {
      isLast = isWritten
      const page = await other().events({ filter: { source: 'race' }, limit: 500, after })
      read.push(...page.events.map(({ body }) => body))
      after = page.events.at(-1)?.id ?? after
    }
    await done

    assert.equal(read.length, 40)
    assert.equal(new Set(read).size, 40)
  })
}
