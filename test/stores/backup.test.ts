import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { silent } from '../../src/log.ts'
import { writeBackup, restoreBackup } from '../../src/stores/backup.ts'
import { openMemory } from '../../src/stores/memory.ts'
import { openSqlite } from '../../src/stores/sqlite/sqlite.ts'
import type { Store } from '../../src/stores/store.ts'
import { put, until } from './builders.ts'

describe('a backup', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'roster-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  async function createFilledStore(): Promise<Store> {
    const store = await openSqlite({ path: join(mkdtempSync(join(folder, 's-')), 'roster.db'), log: silent })
    await store.commit([
      put({ name: 'owl 🦉', definition: '{ "odd" : "\\u0000" }', lease: { timeout: 5, eviction: 9, holder: 'h' } }),
      put({ kind: 'manual', namespace: 'team-a', name: 'by hand', created_at: '2020-01-01T00:00:00Z' }),
      ...Array.from({ length: 1500 }, (_, n) => put({ name: `agent-${n}`, lease: { timeout: 1, eviction: 2 } })),
    ])
    store.recordHeartbeats([{ name: 'agent-1', age_ms: 10_000, timeout: 0 }])
    await store.saveReadings('partner', 'f1', [{ origin: 'o', reading: '[1]' }])
    await until(() => store.state().pending.heartbeats === 0)
    return store
  }

  const contentOf = async (store: Store) =>
    (await store.load()).registrations
      .map(({ kind, namespace, name, definition, lease, created_at }) => ({
        kind,
        namespace,
        name,
        definition,
        lease,
        created_at,
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))

  it('restores everything into a store of another type', async () => {
    const file = join(folder, 'whole.backup')
    await using store = await createFilledStore()
    await using other = openMemory({ log: silent })

    assert.deepEqual(await writeBackup(store, file), { registrations: 1502, sources: 1 })
    assert.deepEqual(await restoreBackup(other, file), { registrations: 1502, sources: 1 })

    assert.deepEqual(await contentOf(other), await contentOf(store))
    assert.deepEqual((await other.readings())[0]?.readings, [{ origin: 'o', reading: '[1]' }])
    await until(() => other.state().pending.heartbeats === 0)
    const heartbeat = (await other.load()).heartbeats.find(({ name }) => name === 'agent-1')
    assert.ok(heartbeat && heartbeat.age_ms >= 10_000 && heartbeat.age_ms < 20_000)
  })

  it('is readable by its owner only, and leaves no temporary file', async () => {
    const place = mkdtempSync(join(folder, 'b-'))
    await using store = await createFilledStore()
    await writeBackup(store, join(place, 'a.backup'))
    await writeBackup(store, join(place, 'a.backup'), { force: true })

    assert.deepEqual(readdirSync(place), ['a.backup'])
    assert.equal(statSync(join(place, 'a.backup')).mode & 0o777, 0o600)
  })

  it('restores texts with every separator that a line reader may split at', async () => {
    const file = join(folder, 'separators.backup')
    const separators = '\n\r\u2028\u2029\u0085\v\f\u001c\u001d\u001e'
    await using store = openMemory({ log: silent })
    await store.commit([
      put({ definition: JSON.stringify({ separators }), lease: { timeout: 1, eviction: 2, holder: separators } }),
    ])
    await store.saveReadings('odd', 'f1', [{ origin: separators, reading: JSON.stringify(separators) }])
    await using other = openMemory({ log: silent })

    await writeBackup(store, file)
    await restoreBackup(other, file)

    assert.deepEqual(await contentOf(other), await contentOf(store))
    assert.deepEqual((await other.readings())[0]?.readings, (await store.readings())[0]?.readings)
  })

  it('is read back before it counts as made: what cannot be read leaves no file, and the one before stays', async () => {
    const place = mkdtempSync(join(folder, 'v-'))
    writeFileSync(join(place, 'a.backup'), 'yesterday')
    const store = openMemory({ log: silent })
    await store.commit([put()])
    const load: Store['load'] = async () => {
      const { registrations, ...rest } = await store.load()
      return { ...rest, registrations: registrations.map((one) => ({ ...one, definition: 5 as unknown as string })) }
    }

    await assert.rejects(
      writeBackup({ ...store, load }, join(place, 'a.backup'), { force: true }),
      /backup was not made: .* is damaged in line 2/,
    )

    assert.deepEqual(readdirSync(place), ['a.backup'])
    assert.equal(readFileSync(join(place, 'a.backup'), 'utf8'), 'yesterday')
  })

  it('replaces no file without force', async () => {
    const file = join(folder, 'existing.backup')
    writeFileSync(file, 'yesterday')
    await using store = openMemory({ log: silent })

    await assert.rejects(writeBackup(store, file), /existing\.backup exists.*--force/)
    assert.equal(readFileSync(file, 'utf8'), 'yesterday')
    await writeBackup(store, file, { force: true })

    assert.match(readFileSync(file, 'utf8'), /mcp-roster backup/)
  })

  it('can be written while the store is in use', async () => {
    const file = join(folder, 'online.backup')
    await using store = await createFilledStore()
    const writing = Promise.all(Array.from({ length: 300 }, (_, n) => store.commit([put({ name: `late-${n}` })])))
    await writeBackup(store, file)
    await writing

    await using other = openMemory({ log: silent })
    const { registrations } = await restoreBackup(other, file)
    assert.ok(registrations >= 1502)
  })

  it('is not restored over registrations without force, and replaces them with force', async () => {
    const file = join(folder, 'force.backup')
    await using store = await createFilledStore()
    await writeBackup(store, file)
    await using other = openMemory({ log: silent })
    await other.commit([put({ name: 'surplus' }), put({ name: 'agent-1', definition: '"old"' })])

    await assert.rejects(restoreBackup(other, file), /holds 2 registrations.*--force/s)
    assert.equal((await other.load()).registrations.length, 2)
    await restoreBackup(other, file, { force: true })

    const { registrations } = await other.load()
    assert.equal(registrations.length, 1502)
    assert.ok(!registrations.some(({ name }) => name === 'surplus'))
    assert.notEqual(registrations.find(({ name }) => name === 'agent-1')?.definition, '"old"')
  })

  it('is refused as a whole when it is truncated, damaged or of another format', async () => {
    const file = join(folder, 'good.backup')
    await using store = await createFilledStore()
    await writeBackup(store, file)
    const good = readFileSync(file, 'utf8')
    const lines = good.split('\n')
    const bad: [string, RegExp][] = [
      ['', /is empty/],
      ['name: weather\n', /not a backup/],
      [good.slice(0, good.length / 2), /damaged in line|truncated/],
      [lines.slice(0, 100).join('\n'), /truncated/],
      [lines.toSpliced(50, 1).join('\n'), /incomplete/],
      [lines.toSpliced(50, 1, '{"registration":{"kind":"x"}}').join('\n'), /damaged in line 51/],
      [`${good}${lines[5]}\n`, /continues after its end/],
    ]
    for (const [text, reason] of bad) {
      writeFileSync(join(folder, 'bad.backup'), text)
      await using other = openMemory({ log: silent })

      await assert.rejects(restoreBackup(other, join(folder, 'bad.backup')), reason)
      assert.equal((await other.load()).registrations.length, 0)
    }
  })
})
