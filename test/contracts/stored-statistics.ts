import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Store, statisticsPageSize, type StoredStatistics } from '../../src/stores/store.ts'

const of = (server: string, statistics = server): StoredStatistics => ({ server, statistics })

/** All statistics, read page by page. */
async function allStatistics(store: Store): Promise<StoredStatistics[]> {
  const all: StoredStatistics[] = []
  for (let after: string | undefined; ;) {
    const page = await store.statistics(after)
    assert.ok(page.length <= statisticsPageSize)
    if (page.length === 0) return all
    all.push(...page)
    after = page.at(-1)?.server
  }
}

/** Tests of the promises of a store for statistics, where it survives. */
export function testStoredStatistics({ one }: { /** An open instance. */ one: () => Store }): void {
  describe('with statistics', () => {
    it('replaces the statistics of a server, removes those of others, and leaves the rest', async () => {
      await one().saveStatistics(
        ['a/x', 'a/X', 'a/é 🦉', "a/'; --"].map((server) => of(server)),
        [],
      )
      await one().saveStatistics([of('a/x', 'newer'), of('b/y')], ['a/X', 'a/none'])

      const stored = await allStatistics(one())

      assert.deepEqual(
        new Map(stored.map(({ server, statistics }) => [server, statistics])),
        new Map([
          ["a/'; --", "a/'; --"],
          ['a/x', 'newer'],
          ['a/é 🦉', 'a/é 🦉'],
          ['b/y', 'b/y'],
        ]),
      )
      await one().saveStatistics(
        [],
        stored.map(({ server }) => server),
      )
      assert.deepEqual(await allStatistics(one()), [])
    })

    it('reads many statistics in pages, each server once', async () => {
      const servers = Array.from({ length: 2 * statisticsPageSize + 3 }, (_, index) => `many/Server ${index}`)
      const text = 'QUJD'.repeat(500)

      await one().saveStatistics(
        servers.map((server) => of(server, text)),
        [],
      )

      const stored = await allStatistics(one())
      assert.deepEqual(stored.map(({ server }) => server).toSorted(), servers.toSorted())
      assert.ok(stored.every(({ statistics }) => statistics === text))
      await one().saveStatistics([], servers)
    })

    it('rejects a name that no database can store, and a text that is too long, and stores nothing of that call', async () => {
      for (const bad of [of('n\0l'), of('big', 'x'.repeat(70_000))])
        await assert.rejects(one().saveStatistics([of('good'), bad], []), /cannot store statistics/)

      assert.deepEqual(await allStatistics(one()), [])
    })
  })
}
