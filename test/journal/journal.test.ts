import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newEvent } from '../contracts/stored-events.ts'
import { createTestJournal, statusOf } from './test-journal.ts'

const serversOf = (events: readonly Record<string, unknown>[]) => events.map(({ server }) => server)

describe('the journal', () => {
  it('stores what is recorded in order, together, before the next read', async () => {
    await using journal = createTestJournal()
    for (let n = 0; n < 1200; n += 1) journal.record(statusOf(`default/s-${n}`))

    const stored = await journal.stored()

    assert.deepEqual(
      serversOf(stored),
      Array.from({ length: 1200 }, (_, n) => `default/s-${n}`),
    )
    assert.deepEqual(
      journal.appends.map((batch) => batch.length),
      [500, 500, 200],
    )
    assert.deepEqual(journal.counts(), { written: 1200, coalesced: 0, dropped: 0, pending: 0 })
  })

  it('stores each event with its age', async () => {
    await using journal = createTestJournal()
    journal.record(statusOf('default/a'))
    journal.advance(3000)
    journal.record(statusOf('default/b', { at: 2000 }))
    await journal.flush()

    assert.deepEqual(
      journal.appends.flat().map(({ age_ms }) => age_ms),
      [3000, 2000],
    )
  })

  it('records nothing while it is disabled, and follows the config', async () => {
    await using journal = createTestJournal({ enabled: false })
    journal.record(statusOf('default/a'))
    journal.settings.enabled = true
    journal.record(statusOf('default/b'))

    assert.deepEqual(serversOf(await journal.stored()), ['default/b'])
  })

  it('keeps events while the store is down, in order, without a log line of its own', async () => {
    await using journal = createTestJournal()
    journal.fail()
    journal.record(statusOf('default/a'))
    await journal.flush()
    journal.record(statusOf('default/b'))
    await journal.flush()
    assert.equal(journal.counts().pending, 2)
    await assert.rejects(journal.stored(), { name: 'StoreUnavailable' })

    journal.recover()

    assert.deepEqual(serversOf(await journal.stored()), ['default/a', 'default/b'])
    assert.deepEqual(journal.logged, [])
  })

  it('drops the oldest events beyond 16 MiB while the store is down, and counts them', async () => {
    await using journal = createTestJournal()
    journal.fail()
    const text = 'x'.repeat(10_000)
    for (let n = 0; n < 3000; n += 1) journal.record(statusOf(`default/s-${n}`, { data: () => ({ text }) }))
    await journal.flush()
    const { pending, dropped } = journal.counts()
    assert.equal(pending + dropped, 3000)
    assert.ok(pending > 1000 && pending < 1700, `${pending}`)

    journal.recover()
    const stored = await journal.stored()

    assert.equal(stored.at(-1)?.['server'], 'default/s-2999')
    assert.equal(journal.counts().pending, 0)
  })

  it('drops and counts events that the store rejects, and logs it', async () => {
    await using journal = createTestJournal()
    journal.fail(new Error('syntax'))
    journal.record(statusOf('default/a'))
    await journal.flush()
    journal.recover()

    assert.deepEqual(await journal.stored(), [])
    assert.deepEqual(journal.counts(), { written: 0, coalesced: 0, dropped: 1, pending: 0 })
    assert.deepEqual(journal.logged, ['events not stored'])
  })

  it('stores what is buffered when it is closed, and records nothing afterwards', async () => {
    await using journal = createTestJournal()
    for (let n = 0; n < 8; n += 1) journal.record(statusOf('default/flapping'))
    const { appends } = journal
    await journal[Symbol.asyncDispose]()
    journal.record(statusOf('default/late'))
    await journal.flush()

    const bodies = appends.flat().map(({ body }) => JSON.parse(body) as { data?: object })
    assert.deepEqual(
      bodies.map(({ data }) => data),
      [...Array.from({ length: 5 }, () => undefined), { coalesced: 3 }],
    )
  })

  it('removes events beyond the limits as it writes', async () => {
    await using journal = createTestJournal()
    for (let n = 0; n < 6000; n += 1) journal.record(statusOf(`default/s-${n}`))

    const stored = await journal.stored()

    assert.ok(stored.length < 2100, `${stored.length}`)
    assert.equal(stored.at(-1)?.['server'], 'default/s-5999')
  })

  it('names the caller behind the last event of a server', async () => {
    await using journal = createTestJournal()
    journal.record(statusOf('default/a', { type: 'added' }))
    journal.record(statusOf('default/a', { type: 'changed' }))
    journal.attribute('default/a', 'ann')
    journal.attribute('default/unknown', 'bob')

    assert.deepEqual(
      (await journal.stored()).map(({ principal }) => principal),
      [undefined, 'ann'],
    )
  })
})

describe('a follower of the journal', () => {
  const query = { filter: { server: 'default/a' }, limit: 10 }
  const patience = () => ({ waitMs: 20_000, signal: new AbortController().signal })

  it('gets an event that matches as soon as it is stored', async () => {
    await using journal = createTestJournal()
    const { newest } = await journal.read(query)
    const following = journal.follow({ ...query, after: newest }, patience())
    journal.record(statusOf('default/b'))
    await journal.flush()
    journal.record(statusOf('default/a'))
    await journal.flush()

    const { events } = await following

    assert.deepEqual(
      events.map(({ server }) => server),
      ['default/a'],
    )
  })

  it('gets events of other replicas', async () => {
    await using journal = createTestJournal()
    const { newest } = await journal.read(query)
    const following = journal.follow({ ...query, after: newest }, patience())
    await journal.appendForeign([{ ...newEvent(), server: 'default/a' }])

    assert.equal((await following).events.length, 1)
  })

  it('ends without events after its time, when it leaves, and when the journal is closed', async () => {
    const journal = createTestJournal()
    const { newest } = await journal.read(query)
    const leaving = new AbortController()
    const left = journal.follow({ ...query, after: newest }, { waitMs: 20_000, signal: leaving.signal })
    const short = await journal.follow({ ...query, after: newest }, { ...patience(), waitMs: 20 })
    leaving.abort()
    const closed = journal.follow({ ...query, after: newest }, patience())
    assert.deepEqual((await left).events, [])
    await journal[Symbol.asyncDispose]()

    assert.deepEqual([short.events, (await closed).events], [[], []])
  })
})
