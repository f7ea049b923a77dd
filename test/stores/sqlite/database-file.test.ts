import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { openSqlite } from '../../../src/stores/sqlite/sqlite.ts'
import { put, until } from '../builders.ts'

const open = (path: string) => openSqlite({ path, log: silent })

async function namesIn(path: string): Promise<string[]> {
  await using store = await open(path)
  return (await store.load()).registrations.map(({ name }) => name).toSorted()
}

describe('a SQLite store whose file is removed or replaced', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'roster-'))
    path = join(folder, 'state', 'roster.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  for (const { what, remove } of [
    { what: 'the file', remove: () => rmSync(path) },
    { what: 'its folder', remove: () => rmSync(join(folder, 'state'), { recursive: true }) },
  ]) {
    it(`rejects writes after the removal of ${what}, then writes the file again with all registrations`, async () => {
      {
        await using store = await open(path)
        await store.commit([put({ name: 'before' })])
        remove()

        await assert.rejects(store.commit([put({ name: 'rejected' })]), /removed/)
        await until(() => store.state().status === 'up', 15_000)
        await store.commit([put({ name: 'after' })])
      }

      assert.equal((statSync(path).mode & 0o777).toString(8), '600')
      assert.deepEqual(await namesIn(path), ['after', 'before'])
    })
  }

  it('removes the remains of an interrupted rewrite', async () => {
    await using store = await open(path)
    await store.commit([put({ name: 'before' })])
    writeFileSync(`${path}.${process.pid}`, 'half of a database')
    rmSync(path)

    await assert.rejects(store.commit([put({ name: 'rejected' })]), /removed/)
    await until(() => store.state().status === 'up', 15_000)
    assert.deepEqual(
      readdirSync(dirname(path)).filter((name) => !/^roster\.db(-wal|-shm)?$/.test(name)),
      [],
    )
  })

  it('leaves a file that replaced it untouched, and rejects writes until the old file is back', async () => {
    await using store = await open(path)
    await store.commit([put({ name: 'before' })])
    const aside = join(folder, 'aside.db')
    renameSync(path, aside)
    writeFileSync(path, 'a foreign file')

    await assert.rejects(store.commit([put({ name: 'rejected' })]), /replaced/)
    await assert.rejects(store.commit([put({ name: 'rejected' })]), { name: 'StoreUnavailable' })
    assert.equal(readFileSync(path, 'utf8'), 'a foreign file')

    renameSync(aside, path)
    await until(() => store.state().status === 'up', 15_000)
    await store.commit([put({ name: 'after' })])
    assert.equal((await store.load()).registrations.length, 2)
  })
})
