import { setTimeout as pause } from 'node:timers/promises'
import { createFeed } from '../flow/feed.ts'
import type { KnownVerdict, VerdictExchange } from '../health/sharing/probe-duty.ts'
import type { Log } from '../log.ts'
import { type Store, StoreUnavailable } from '../stores/store.ts'
import { maxVerdictsPerBatch, type ReadVerdict } from '../stores/verdict.ts'
import type { Members } from './members.ts'

/** Time for which verdicts are collected before they are stored together, in ms. */
const collectMs = 20
/** Pause after a failure, in ms. */
const retryMs = 1000

/**
 * Carries verdicts between the daemons of one store: stores those of this one in batches, and reads those of all.
 *
 * While this daemon is no member, or the store is away, nothing is shared, and what was not stored is forgotten: the next result is
 * told again.
 */
export function createVerdictExchange({
  opening,
  members,
  isEnabled,
  secret,
  log,
  onError,
}: {
  opening: Promise<Pick<Store, 'verdicts'>>
  members: Pick<Members, 'self' | 'isShared' | 'isMember' | 'term' | 'orderOf' | 'subscribe'>
  isEnabled: () => boolean
  /** A secret of all daemons of the store; undefined until it is known. */
  secret: () => string | undefined
  log: Pick<Log, 'warn'>
  onError: (error: unknown) => void
}) {
  const stop = new AbortController()
  const known = new Map<string, KnownVerdict>()
  const waiting = new Map<string, KnownVerdict>()
  /** What this daemon wrote last of each key. */
  const written = new Map<string, KnownVerdict>()
  const verdicts = createFeed<readonly string[]>({ onError })
  const memberships = createFeed<'changed'>({ onError })
  const counts = { written: 0, read: 0, refused: 0 }
  let isFollowing = false
  let collecting: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  /** Nothing is shared before everything stored has been read: it says who probes what. */
  function self(): string | undefined {
    const isSharing = isFollowing && isEnabled() && secret() !== undefined && members.isMember()
    return isSharing ? members.self().id : undefined
  }

  function write(key: string, verdict: Omit<KnownVerdict, 'prober'>): void {
    const prober = self()
    if (prober === undefined) return
    const complete = { ...verdict, prober }
    known.set(key, complete)
    waiting.set(key, complete)
    written.set(key, complete)
    collecting ??= setTimeout(store, collectMs).unref()
  }

  function store(): void {
    collecting = undefined
    writing ??= storeWaiting().finally(() => (writing = undefined))
  }

  async function storeWaiting(): Promise<void> {
    while (waiting.size > 0 && !stop.signal.aborted) {
      const term = members.term()
      const table = (await opening).verdicts
      const batch = [...waiting].slice(0, maxVerdictsPerBatch)
      for (const [key] of batch) waiting.delete(key)
      if (!term || !table) continue
      try {
        const isStored = await table.save(
          batch.map(([target, verdict]) => ({ target, ...verdict })),
          term,
        )
        if (isStored) counts.written += batch.length
        else counts.refused += batch.length
      } catch (error) {
        counts.refused += batch.length
        // The store reports an outage itself.
        if (!(error instanceof StoreUnavailable)) log.warn({ err: error }, 'verdicts not stored')
        await pause(retryMs, undefined, { signal: stop.signal, ref: false }).catch(() => {})
      }
    }
  }

  function accept(batch: readonly ReadVerdict[]): void {
    const { id } = members.self()
    const changed: string[] = []
    for (const { target, ...stored } of batch) {
      counts.read += 1
      const own = stored.prober === id ? written.get(target) : undefined
      // A later one of this daemon is on its way.
      if (own && !isSame(own, stored)) continue
      if (isSame(known.get(target), stored)) continue
      // Also where it is this daemon's own: it was stored after that of another one, which was adopted meanwhile.
      known.set(target, stored)
      changed.push(target)
    }
    if (changed.length > 0) verdicts.publish(changed)
  }

  async function follow(): Promise<void> {
    // Without a store the start has failed with this error.
    const table = (await opening.catch(() => undefined))?.verdicts
    if (!table) return
    while (!stop.signal.aborted) {
      try {
        for await (const batch of table.follow({ signal: stop.signal })) {
          accept(batch)
          if (batch.length === 0) setFollowing()
        }
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) log.warn({ err: error }, 'verdicts of other members not read')
      }
      await pause(retryMs, undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  }

  function setFollowing(): void {
    if (isFollowing) return
    isFollowing = true
    memberships.publish('changed')
  }

  const unsubscribe = members.subscribe(() => memberships.publish('changed'))
  const following = members.isShared ? follow() : Promise.resolve()

  return {
    self,
    orderOf: members.orderOf,
    secret: () => secret() ?? '',
    read: (key) => known.get(key),
    write,
    subscribe: ({ onVerdicts, onMembers }) => {
      const ends = [verdicts.subscribe(onVerdicts), memberships.subscribe(onMembers)]
      return () => {
        for (const end of ends) end()
      }
    },
    /** Called when the secret is known or another one. */
    changed: () => memberships.publish('changed'),
    counts: () => ({ ...counts, known: known.size }),
    async [Symbol.asyncDispose]() {
      stop.abort()
      unsubscribe()
      clearTimeout(collecting)
      await Promise.all([following, writing])
    },
  } satisfies VerdictExchange & AsyncDisposable & Record<string, unknown>
}

function isSame(one: KnownVerdict | undefined, other: KnownVerdict): boolean {
  return one?.prober === other.prober && one.verdict === other.verdict && one.checks === other.checks
}

export type SharedProbes = ReturnType<typeof createVerdictExchange>
