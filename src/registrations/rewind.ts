import type { Log } from '../log.ts'
import { registrationKey } from '../stores/driver.ts'
import {
  isNewer,
  type RegistrationKey,
  type Rewound,
  type Store,
  type StoredRegistration,
  type StoreOperation,
  type StoreSnapshot,
} from '../stores/store.ts'

/** Maximum registrations stored again in one transaction. */
const maxPerCommit = 200

export type PutOperation = Extract<StoreOperation, { type: 'put' }>

/** A registration in memory. */
export type HeldRegistration = {
  readonly key: RegistrationKey
  readonly version: string
  /** The operation that stores it again. */
  readonly toPut: () => PutOperation
}

/** The registrations of one kind in memory. */
export type Book = {
  readonly held: () => readonly HeldRegistration[]
  /** Replaces all but those in `kept` (keys), whatever their versions. */
  readonly reset: (snapshot: StoreSnapshot, kept: ReadonlySet<string>) => void
  /** Replaces one, whatever its version; undefined removes it. */
  readonly replace: (key: RegistrationKey, stored: StoredRegistration | undefined) => void
}

/** What became of the registrations in memory. */
export type Reconciliation = { readonly stored: number; readonly dropped: number }

/**
 * Brings memory and a database together that went back to an earlier state.
 *
 * What this daemon holds of later writes was acknowledged and is stored again, unless the database has a newer one or has deleted it
 * since. All else is as the database has it.
 */
export async function reconcile({
  store,
  snapshot,
  rewound,
  books,
  log,
}: {
  store: Pick<Store, 'commit'>
  snapshot: StoreSnapshot
  rewound: Rewound
  books: readonly Book[]
  log: Pick<Log, 'warn'>
}): Promise<Reconciliation> {
  const storedByKey = new Map(snapshot.registrations.map((one) => [registrationKey(one), one]))
  const deleted = new Set(rewound.deleted.map(registrationKey))
  let [stored, dropped] = [0, 0]
  for (const book of books) {
    const held = book.held()
    const lost = held.filter(({ key, version }) => {
      const current = storedByKey.get(registrationKey(key))
      const isReplaced = current !== undefined && isNewer(current.resource_version, rewound.to)
      return isNewer(version, rewound.to) && !isReplaced && !deleted.has(registrationKey(key))
    })
    const kept = new Set(lost.map(({ key }) => registrationKey(key)))
    dropped += held.filter(
      ({ key }) => !kept.has(registrationKey(key)) && !storedByKey.has(registrationKey(key)),
    ).length
    book.reset(snapshot, kept)
    for (let from = 0; from < lost.length; from += maxPerCommit)
      stored += await storeAgain(book, lost.slice(from, from + maxPerCommit))
  }
  return { stored, dropped }

  async function storeAgain(book: Book, lost: readonly HeldRegistration[]): Promise<number> {
    const operations = lost.map(({ key, toPut }): PutOperation => {
      const current = storedByKey.get(registrationKey(key))
      return { ...toPut(), expect: current ? { version: current.resource_version } : 'none' }
    })
    const outcomes = await store.commit(operations)
    for (const [at, outcome] of outcomes.entries()) {
      const { key } = lost[at]!
      if (outcome.type === 'put') book.replace(key, outcome.registration)
      // Another daemon was first.
      else if (outcome.type === 'conflict') book.replace(key, outcome.current)
      else log.warn({ ...key, outcome }, 'registration not stored again')
    }
    return outcomes.filter(({ type }) => type === 'put').length
  }
}
