import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isNewer, type Store, type StoreChange } from '../../src/stores/store.ts'
import { put, registrationIn, until } from '../stores/builders.ts'
import type { StoreKind } from './store.ts'

type Snapshot = Extract<StoreChange, { type: 'snapshot' }>

/** Tests of the promises of a store whose database goes back to an earlier state: a copy that was behind takes its place. */
export function testRewind({ make }: Pick<StoreKind, 'make'>): void {
  describe('whose database goes back to an earlier state', () => {
    it('reads everything again, says so, and assigns no version twice', async () => {
      await using database = await make()
      assert.ok(database.save)
      await using store = await database.open()
      const kept = registrationIn((await store.commit([put({ name: 'kept' })]))[0])
      const restore = await database.save()
      await using follower = startFollower(store, (await store.load()).resource_version)
      const lost = registrationIn((await store.commit([put({ name: 'lost' })]))[0])

      await restore()

      const { snapshot, rewound } = await follower.rewound()
      assert.deepEqual(
        snapshot.registrations.map(({ name }) => name),
        ['kept'],
      )
      assert.ok(rewound)
      assert.equal(rewound.to, kept.resource_version)
      const again = registrationIn((await store.commit([put({ name: 'again' })]))[0])
      assert.ok(isNewer(again.resource_version, lost.resource_version))
    })

    it('assigns no version twice to a write that comes before the next read of changes', async () => {
      await using database = await make()
      assert.ok(database.save)
      await using store = await database.open()
      await store.commit([put({ name: 'kept' })])
      const restore = await database.save()
      const lost = registrationIn((await store.commit([put({ name: 'lost' })]))[0])
      await using follower = startFollower(store, (await store.load()).resource_version)
      await restore()

      const next = registrationIn((await store.commit([put({ name: 'next' })]))[0])

      assert.ok(isNewer(next.resource_version, lost.resource_version))
      await follower.rewound()
    })

    it('tells a second instance too, with what was deleted since', async () => {
      await using database = await make()
      assert.ok(database.save)
      await using one = await database.open()
      await using other = await database.open()
      const kept = registrationIn((await one.commit([put({ name: 'kept' })]))[0])
      const restore = await database.save()
      await using follower = startFollower(other, (await other.load()).resource_version)
      await one.commit([put({ name: 'lost' })])
      await until(() => follower.names.has('lost'))
      await restore()
      await one.commit([
        put({ name: 'brief' }),
        { type: 'delete', kind: 'agent', namespace: 'default', name: 'brief', expect: 'any' },
      ])

      const { rewound } = await follower.rewound()

      assert.equal(rewound?.to, kept.resource_version)
      assert.deepEqual(rewound.deleted, [{ kind: 'agent', namespace: 'default', name: 'brief' }])
      await one.commit([put({ name: 'after' })])
      await until(() => follower.names.has('after'))
      assert.equal(follower.rewinds(), 1, 'it goes on in the new history')
    })
  })
}

/** Follows the changes of a store after a version. */
function startFollower(store: Store, since: string) {
  const stop = new AbortController()
  const names = new Set<string>()
  let found: Snapshot | undefined
  let rewinds = 0
  const following = (async () => {
    for await (const changes of store.changes({ since, signal: stop.signal })) {
      for (const change of changes) {
        if (change.type === 'put') names.add(change.registration.name)
        if (change.type !== 'snapshot' || !change.rewound) continue
        found = change
        rewinds += 1
      }
    }
  })()
  return {
    names,
    rewinds: () => rewinds,
    rewound: async (): Promise<Snapshot> => {
      await until(() => found !== undefined)
      return found!
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await following
    },
  }
}
