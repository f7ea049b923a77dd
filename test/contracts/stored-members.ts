import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JoiningMember, MemberTable } from '../../src/stores/member.ts'
import type { Store, StoreOperation } from '../../src/stores/store.ts'
import { put, registrationIn, retire, typesOf } from '../stores/builders.ts'
import { newEvent } from './stored-events.ts'

/** A term of a member; override what matters. */
function member(fields: Partial<JoiningMember> = {}): JoiningMember {
  return { id: 'a', incarnation: 'a1', lease_ms: 60_000, build: '0.1.0', ...fields }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Tests of the promises of a store to the daemons that share it. */
export function testStoredMembers({ one, open }: { one: () => Store; open: () => Promise<Store> }): void {
  describe('with members', () => {
    let other: Store
    before(async () => {
      other = await open()
    })
    after(() => other[Symbol.asyncDispose]())

    function table(store: Store): MemberTable {
      assert.ok(store.members)
      return store.members
    }
    const ids = (members: readonly JoiningMember[]) => members.map(({ id, incarnation }) => `${id}/${incarnation}`)

    it('shows each member to every other one, with ages by one clock, until it leaves', async () => {
      const address = 'http://10.1.2.3:8000'
      const [mine, ...none] = await table(one()).join(member({ address }))
      assert.ok(mine && none.length === 0)
      const { joined_ms, seen_ms, schema, ...rest } = mine
      assert.deepEqual(rest, member({ address }))
      assert.ok(joined_ms >= 0 && joined_ms < 5000 && seen_ms >= 0 && seen_ms < 5000, JSON.stringify(mine))
      assert.ok(schema > 0)

      assert.deepEqual(ids(await table(other).join(member({ id: 'é "b"', incarnation: 'b1' }))), ['a/a1', 'é "b"/b1'])
      const renewed = await table(one()).renew(member())
      assert.deepEqual(ids(renewed), ['a/a1', 'é "b"/b1'])
      assert.equal(renewed[0]?.address, undefined)
      assert.ok(renewed[0]!.joined_ms >= renewed[0]!.seen_ms)

      await table(other).leave({ id: 'é "b"', incarnation: 'other' })
      assert.equal((await table(one()).renew(member())).length, 2)
      await table(other).leave({ id: 'é "b"', incarnation: 'b1' })
      assert.deepEqual(ids(await table(one()).renew(member())), ['a/a1'])
      await table(one()).leave(member())
    })

    it('renews no term that has lapsed or was taken over, and begins another', async () => {
      const short = member({ incarnation: 'a2', lease_ms: 200 })
      await table(one()).join(short)
      await table(other).join(member({ id: 'b', incarnation: 'b2' }))
      await pause(250)
      assert.deepEqual(ids(await table(other).renew(member({ id: 'b', incarnation: 'b2' }))), ['b/b2'])
      assert.deepEqual(ids(await table(one()).renew(short)), ['b/b2'])
      assert.deepEqual(ids(await table(one()).join(member({ incarnation: 'a3' }))), ['a/a3', 'b/b2'])

      assert.deepEqual(ids(await table(other).join(member({ incarnation: 'a4' }))), ['a/a4', 'b/b2'])
      assert.deepEqual(ids(await table(one()).renew(member({ incarnation: 'a3' }))), ['a/a4', 'b/b2'])
      await table(one()).leave(member({ incarnation: 'a4' }))
      assert.deepEqual(ids(await table(one()).renew(member({ incarnation: 'a4' }))), ['b/b2'])
      await table(other).leave({ id: 'b', incarnation: 'b2' })
    })

    it('executes a fenced operation only while its term lasts, and the others of its batch anyway', async () => {
      const store = one()
      const puts = await store.commit(['f1', 'f2', 'f3'].map((name) => put({ name })))
      const version = (at: number) => registrationIn(puts[at]).resource_version
      const fenced = (name: string, at: number, incarnation: string): StoreOperation => {
        const operation = retire(name, version(at), 0)
        return { ...operation, fence: { id: 'f', incarnation } } as StoreOperation
      }
      await table(store).join(member({ id: 'f', incarnation: 'now', lease_ms: 200 }))

      const outcomes = await store.commit([fenced('f1', 0, 'before'), fenced('f2', 1, 'now'), put({ name: 'f4' })])
      assert.deepEqual(typesOf(outcomes), ['fenced', 'deleted', 'put'])

      await pause(250)
      assert.deepEqual(typesOf(await store.commit([fenced('f3', 2, 'now')])), ['fenced'])
      const { registrations } = await store.load()
      const named = registrations.map(({ name }) => name).filter((name) => /^f\d$/.test(name))
      assert.deepEqual(named.toSorted(), ['f1', 'f3', 'f4'])
    })

    it('removes old events and deletions only for a term that lasts', async () => {
      const store = one()
      await store.appendEvents(Array.from({ length: 5 }, () => newEvent({ age_ms: 60_000 })))
      const limits = { maxRows: 1, maxAgeMs: 3_600_000 }
      const fence = { id: 'p', incarnation: 'p1' }
      const bounds = () => store.events({ filter: {}, limit: 1 })
      const { oldest } = await bounds()

      await store.pruneEvents(limits, fence)
      await store.pruneDeletions(fence)
      assert.equal((await bounds()).oldest, oldest)

      await table(store).join(member({ ...fence, lease_ms: 60_000 }))
      await store.pruneEvents(limits, fence)
      await store.pruneDeletions(fence)
      const { oldest: kept, newest } = await bounds()
      assert.equal(kept, newest)
      await table(store).leave(fence)
    })
  })
}
