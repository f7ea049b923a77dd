import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { isNewer, StoreRefusal, type Store } from '../../src/stores/store.ts'
import type { ReadVerdict, StoredVerdict, VerdictTable } from '../../src/stores/verdict.ts'
import { until } from '../stores/builders.ts'
import type { StoreKind, TestDatabase } from './store.ts'

/** A verdict about a target; override what matters. */
export function verdict(target: string, fields: Partial<StoredVerdict> = {}): StoredVerdict {
  return { target, prober: 'a', verdict: '{"status":"healthy"}', checks: 'AAAA', ...fields }
}

const fence = { id: 'a', incarnation: 'a1' }

/** Begins a term in which verdicts may be saved. */
export async function joined(store: Store, term = fence, lease_ms = 60_000): Promise<VerdictTable> {
  assert.ok(store.members && store.verdicts)
  await store.members.join({ ...term, lease_ms, build: '0.1.0' })
  return store.verdicts
}

/** Collects what a follower of a store reads. */
export function followerOf(store: Store) {
  const stop = new AbortController()
  const pages: (readonly ReadVerdict[])[] = []
  let onPage = () => {}
  const following = (async () => {
    assert.ok(store.verdicts)
    for await (const page of store.verdicts.follow({ signal: stop.signal })) {
      pages.push(page)
      onPage()
    }
  })()
  const read = () => pages.flat()

  return {
    pages,
    read,
    /** How often the follower said that it has read everything. */
    ends: () => pages.filter((page) => page.length === 0).length,
    targets: () => read().map(({ target }) => target),
    /** Resolves with the page that has a target. */
    page: async (target: string): Promise<readonly ReadVerdict[]> => {
      const find = () => pages.find((page) => page.some((one) => one.target === target))
      const found = Promise.withResolvers<void>()
      onPage = () => {
        if (find()) found.resolve()
      }
      onPage()
      const timer = setTimeout(() => found.reject(new Error(`${target} was not read in 8 s`)), 8000)
      await found.promise.finally(() => clearTimeout(timer))
      return find()!
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await following
    },
  }
}

const withoutBatch = (read: readonly ReadVerdict[]): StoredVerdict[] =>
  read.map(({ target, prober, verdict, checks }) => ({ target, prober, verdict, checks }))

/** Verdicts in the order of a number, as many as asked. */
function range(prefix: string, count: number): StoredVerdict[] {
  return Array.from({ length: count }, (_, n) => verdict(`${prefix}-${String(n).padStart(4, '0')}`))
}

/** Tests of the promises of a store to the daemons that share their probes. `wakeMs`: how soon a follower reads what was saved. */
export function testStoredVerdicts({ make, wakeMs }: Pick<StoreKind, 'make'> & { readonly wakeMs: number }): void {
  describe('with verdicts', () => {
    it('shows a follower the newest of each target in the order of their batches, and then what is saved', async () => {
      await using database = await make()
      await using one = await database.open()
      await using other = await database.open()
      const verdicts = await joined(one)
      const hostile = verdict('é "🦉" \'', {
        prober: 'ü\\',
        verdict: '{"a":"\\u0000 ; DROP"}',
        checks: 'x'.repeat(1024),
      })
      assert.equal(await verdicts.save([verdict('b'), verdict('a')], fence), true)
      assert.equal(await verdicts.save([hostile, verdict('c', { checks: '' })], fence), true)
      assert.equal(await verdicts.save([verdict('a', { verdict: '1' }), verdict('a', { verdict: '2' })], fence), true)
      assert.equal(await verdicts.save([], fence), true)

      await using follower = followerOf(other)
      await until(() => follower.ends() === 1)
      assert.equal(follower.pages.length, 2)
      const sorted = (batch: string | undefined) => follower.read().filter((read) => read.batch === batch)
      const batches = [...new Set(follower.read().map(({ batch }) => batch))]
      assert.deepEqual(follower.targets(), ['b', 'c', hostile.target, 'a'])
      assert.equal(batches.length, 3)
      assert.ok(batches.every((batch, at) => at === 0 || isNewer(batch, batches[at - 1]!)))
      assert.deepEqual(withoutBatch(sorted(batches[1])), [verdict('c', { checks: '' }), hostile])
      assert.deepEqual(withoutBatch(sorted(batches[2])), [verdict('a', { verdict: '2' })])

      const replaced = verdict('b', { prober: 'z', verdict: 'x'.repeat(65_536) })
      await verdicts.save([replaced], fence)
      await until(() => follower.pages.length === 3)
      assert.deepEqual(withoutBatch(follower.pages[2]!), [replaced])
    })

    it('wakes a follower in another daemon in time', async () => {
      await using database = await make()
      await using one = await database.open()
      await using other = await database.open()
      const verdicts = await joined(one)
      await using follower = followerOf(other)
      await verdicts.save([verdict('first')], fence)
      await follower.page('first')

      const took: number[] = []
      for (let round = 0; round < 5; round += 1) {
        await verdicts.save([verdict(`round-${round}`)], fence)
        const savedAt = performance.now()
        await follower.page(`round-${round}`)
        took.push(performance.now() - savedAt)
      }
      // The median: a busy machine may delay one.
      assert.ok(took.toSorted((a, b) => a - b)[2]! < wakeMs, `took ${took.map(Math.round).join(', ')} ms`)
      assert.equal(follower.ends(), 1)
    })

    it('reads many in pages that lie within batches', async () => {
      await using database = await make()
      await using store = await database.open()
      const verdicts = await joined(store)
      for (const prefix of ['a', 'b', 'c']) await verdicts.save(range(prefix, 900), fence)

      await using follower = followerOf(store)
      await until(() => follower.ends() === 1)

      assert.deepEqual(
        follower.pages.map(({ length }) => length),
        [1000, 1000, 700, 0],
      )
      assert.deepEqual(
        follower.targets(),
        ['a', 'b', 'c'].flatMap((prefix) => range(prefix, 900)).map(({ target }) => target),
      )
    })

    describe('of several writers', () => {
      let database: TestDatabase
      before(async () => {
        database = await make()
      })

      it('saves nothing once the term of the writer is over', async () => {
        await using one = await database.open()
        await using other = await database.open()
        const verdicts = await joined(one, fence, 200)
        assert.equal(await verdicts.save([verdict('early')], fence), true)
        await using follower = followerOf(other)
        assert.equal(await verdicts.save([verdict('early', { verdict: '2' })], { ...fence, incarnation: 'a0' }), false)
        await new Promise((resolve) => setTimeout(resolve, 250))
        assert.equal(await verdicts.save([verdict('late')], fence), false)

        const again = { id: 'a', incarnation: 'a2' }
        await joined(other, again)
        assert.equal(await verdicts.save([verdict('late')], fence), false)
        assert.equal(await other.verdicts?.save([verdict('last')], again), true)

        await follower.page('last')
        assert.deepEqual(
          follower.read().map(({ target, verdict }) => [target, verdict]),
          [
            ['early', '{"status":"healthy"}'],
            ['last', '{"status":"healthy"}'],
          ],
        )
      })

      it('hides a batch from followers until the slow one before it is stored', async () => {
        await using one = await database.open()
        await using other = await database.open()
        assert.ok(database.hold)
        const [slow, quick] = [
          { id: 'slow', incarnation: 's1' },
          { id: 'quick', incarnation: 'q1' },
        ]
        const slowly = await joined(one, slow)
        const quickly = await joined(other, quick)
        await using follower = followerOf(other)
        await until(() => follower.ends() === 1)
        // The slow one has its number, and waits for its own row.
        const release = await database.hold("SELECT 1 FROM roster_members WHERE id = 'slow' FOR UPDATE")
        const first = slowly.save([verdict('slow')], slow)
        await new Promise((resolve) => setTimeout(resolve, 100))
        let isQuickDone = false
        const second = quickly.save([verdict('quick')], quick).finally(() => (isQuickDone = true))
        await new Promise((resolve) => setTimeout(resolve, 200))
        assert.equal(isQuickDone, false)
        await release()

        assert.deepEqual(await Promise.all([first, second]), [true, true])
        await follower.page('quick')
        assert.deepEqual(follower.targets().slice(-2), ['slow', 'quick'])
      })

      it('gives a follower all of them while they write at once', async () => {
        await using one = await database.open()
        await using other = await database.open()
        const writers = [
          { id: 'w1', incarnation: '1' },
          { id: 'w2', incarnation: '2' },
        ]
        await using follower = followerOf(one)
        const tables = await Promise.all([one, other].map((store, at) => joined(store, writers[at])))
        const saves = Array.from({ length: 60 }, (_, n) =>
          // All of them write "shared", in opposite order.
          tables[n % 2]!.save(
            n % 2 ? [verdict('shared'), verdict(`own-${n}`)] : [verdict(`own-${n}`), verdict('shared')],
            writers[n % 2]!,
          ),
        )
        const prunes = Array.from({ length: 6 }, () => tables[0]!.prune(60_000, writers[0]!))
        assert.ok((await Promise.all(saves)).every(Boolean))
        await Promise.all(prunes)
        await tables[0]!.save([verdict('over')], writers[0]!)

        await follower.page('over')
        const own = follower.read().filter(({ target }) => target.startsWith('own-'))
        assert.equal(own.length, 60)
        assert.equal(new Set(own.map(({ target, batch }) => `${target} ${batch}`)).size, 60)
        const batches = follower.read().map(({ batch }) => batch)
        assert.ok(batches.every((batch, at) => at === 0 || !isNewer(batches[at - 1]!, batch)))
      })
    })

    it('removes those that no daemon has written for long, for a term that lasts', async () => {
      await using database = await make()
      await using store = await database.open()
      const verdicts = await joined(store)
      const seen = async () => {
        await using follower = followerOf(store)
        await until(() => follower.ends() === 1)
        return follower.targets().length
      }
      await verdicts.save(range('a', 1000), fence)
      await verdicts.save(range('b', 10), fence)

      await verdicts.prune(3_600_000, fence)
      await verdicts.prune(0, { ...fence, incarnation: 'a0' })
      assert.equal(await seen(), 1010)
      await verdicts.prune(0, fence)
      assert.equal(await seen(), 10)
      await verdicts.prune(0, fence)
      assert.equal(await seen(), 0)
    })

    it('refuses what no database can hold, and stays up', async () => {
      await using database = await make()
      await using store = await database.open()
      const verdicts = await joined(store)
      const refusals: [readonly StoredVerdict[], RegExp][] = [
        [[verdict('a\0')], /target must not hold a NUL/],
        [[verdict('a'.repeat(65))], /target must be at most 64/],
        [[verdict('a', { prober: '\ud800' })], /prober must be well-formed/],
        [[verdict('a', { checks: 'x'.repeat(1025) })], /checks must be at most 1024/],
        [[verdict('a', { verdict: 'é'.repeat(32_769) })], /verdict must be at most 65536 bytes/],
        [range('a', 1001), /1001 verdicts: a batch has at most 1000/],
      ]
      for (const [refused, reason] of refusals)
        await assert.rejects(verdicts.save(refused, fence), (error: unknown) => {
          assert.ok(error instanceof StoreRefusal)
          assert.match(error.message, reason)
          return true
        })
      assert.equal(store.state().status, 'up')
    })

    it('reads everything again where the database went back or was replaced, and misses nothing written after', async () => {
      await using database = await make()
      assert.ok(database.save && database.hold)
      await using one = await database.open()
      await using other = await database.open()
      const verdicts = await joined(one)
      await verdicts.save([verdict('kept')], fence)
      const restore = await database.save()
      await using follower = followerOf(other)
      await verdicts.save([verdict('lost')], fence)
      const [lost] = await follower.page('lost')

      await restore()
      await until(() => follower.ends() === 2)
      assert.deepEqual(follower.targets(), ['kept', 'lost', 'kept'])
      await verdicts.save([verdict('after')], fence)
      const [after] = await follower.page('after')
      assert.ok(isNewer(after!.batch, lost!.batch))

      // A copy in which others have written meanwhile is not behind.
      await restore()
      await verdicts.save([verdict('at once')], fence)
      await follower.page('at once')

      const { epoch } = await one.load()
      await (
        await database.hold(`UPDATE roster_meta SET value = 'other' WHERE value = '${epoch}'`)
      )()
      const before = follower.ends()
      await until(() => follower.ends() > before)
      assert.deepEqual(follower.targets().slice(-2), ['kept', 'at once'])
    })
  })
}
