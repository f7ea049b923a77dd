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

describe('a SQLite store whose file is taken away', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'roster-'))
    path = join(folder, 'state', 'roster.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  for (const { what, takeAway } of [
    { what: 'the file', takeAway: () => rmSync(path) },
    { what: 'the folder with everything in it', takeAway: () => rmSync(join(folder, 'state'), { recursive: true }) },
  ]) {
    it(`acknowledges nothing into the void, and writes everything anew: ${what}`, async () => {
      {
        await using store = await open(path)
        await store.commit([put({ name: 'before' })])
        takeAway()

        await assert.rejects(store.commit([put({ name: 'refused' })]), /removed/)
        await until(() => store.state().status === 'up', 15_000)
        await store.commit([put({ name: 'after' })])
      }

      assert.equal((statSync(path).mode & 0o777).toString(8), '600')
      assert.deepEqual(await namesIn(path), ['after', 'before'])
    })
  }

  it('writes it anew over what an attempt that broke off has left', async () => {
    await using store = await open(path)
    await store.commit([put({ name: 'before' })])
    writeFileSync(`${path}.${process.pid}`, 'half of a database')
    rmSync(path)

    await assert.rejects(store.commit([put({ name: 'refused' })]), /removed/)
    await until(() => store.state().status === 'up', 15_000)
    assert.deepEqual(
      readdirSync(dirname(path)).filter((name) => !/^roster\.db(-wal|-shm)?$/.test(name)),
      [],
    )
  })

  it('leaves another file in its place alone, and takes nothing until the old one is back', async () => {
    await using store = await open(path)
    await store.commit([put({ name: 'before' })])
    const aside = join(folder, 'aside.db')
    renameSync(path, aside)
    writeFileSync(path, "somebody else's")

    await assert.rejects(store.commit([put({ name: 'refused' })]), /replaced/)
    await assert.rejects(store.commit([put({ name: 'refused' })]), { name: 'StoreUnavailable' })
    assert.equal(readFileSync(path, 'utf8'), "somebody else's")

    renameSync(aside, path)
    await until(() => store.state().status === 'up', 15_000)
    await store.commit([put({ name: 'after' })])
    assert.equal((await store.load()).registrations.length, 2)
  })
})
