import { randomBytes, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { createFeed } from '../flow/feed.ts'
import type { Log } from '../log.ts'
import type { Fence, JoiningMember, MemberTable, StoredMember } from '../stores/member.ts'
import { type Store, StoreUnavailable } from '../stores/store.ts'
import { type ClusterConfig, renewalTimes } from './config.ts'
import { createOwnerOrder, createOwners } from './rendezvous.ts'

/** The members as this daemon knows them. One that is no member itself knows none: it cannot tell who is alive. */
export type ClusterView = {
  readonly members: readonly StoredMember[]
  /** Id of the leader; undefined without members, and where none is elected. */
  readonly leader: string | undefined
  /** When the members were read, by the monotonic clock in ms; their ages are as of then. */
  readonly readAt: number
}

export type ClusterChange = { readonly before: ClusterView; readonly after: ClusterView }

export type Members = ReturnType<typeof startMembers>

/** The key of which the leader is the owner. */
const leaderKey = 'leader'

/** Maximum time that leaving waits for the store, in ms. */
const maxLeaveMs = 2000

const noMembers: ClusterView = { members: [], leader: undefined, readAt: 0 }

/**
 * The daemons that share one database: this one joins them, renews its lease, and knows who else is alive and who owns what.
 *
 * It counts itself out before the others do: after `renew_deadline` without a renewal, by the monotonic clock. Then it owns nothing,
 * and knows no leader, until it has renewed, or joined again under another incarnation. A daemon with a store of its own is the
 * only member, and leads.
 */
export function startMembers({
  opening,
  isShared,
  settings,
  build,
  address,
  log,
  onError,
}: {
  opening: Promise<Pick<Store, 'members'>>
  isShared: boolean
  settings: ClusterConfig
  /** The version of this daemon. */
  build: string
  /** Read at every renewal. */
  address: () => string | undefined
  log: Pick<Log, 'info' | 'warn'>
  onError: (error: unknown) => void
}) {
  const { lease_duration } = settings
  const hasElection = settings.leader_election || !isShared
  const { renewDeadline, retryPeriod } = renewalTimes(settings)
  const stop = new AbortController()
  const changes = createFeed<ClusterChange>({ onError })
  let self: Fence = { id: settings.id ?? randomId(), incarnation: randomUUID() }
  let hasJoined = false
  /** Until when this daemon may count itself a member, by the monotonic clock. */
  let validUntil = isShared ? 0 : Infinity
  let view = noMembers
  let leaderSince: string | undefined
  let ownerOf = createOwners([])
  let orderOf = createOwnerOrder([])
  let expiry: NodeJS.Timeout | undefined

  function row(): JoiningMember {
    const own = address()
    return { ...self, lease_ms: lease_duration * 1000, build, ...(own !== undefined && { address: own }) }
  }

  const isMember = () => performance.now() < validUntil

  function applyMembers(members: readonly StoredMember[], askedAt: number): void {
    validUntil = askedAt + renewDeadline * 1000
    clearTimeout(expiry)
    // Rounded up: a timer may fire up to a millisecond early.
    expiry = setTimeout(countSelfOut, Math.max(0, Math.ceil(validUntil - performance.now()) + 1)).unref()
    setView(members)
  }

  function setView(members: readonly StoredMember[]): void {
    const before = view
    const ids = members.map(({ id }) => id)
    ownerOf = createOwners(ids)
    orderOf = createOwnerOrder(ids)
    view = { members, leader: hasElection ? ownerOf(leaderKey) : undefined, readAt: performance.now() }
    if (view.leader !== before.leader) leaderSince = new Date().toISOString()
    if (!isSameCluster(before, view)) changes.publish({ before, after: view })
  }

  /** Called when no renewal has succeeded in time, and when the term is over. */
  function countSelfOut(): void {
    if (isMember()) return
    if (view.members.length > 0)
      log.warn({ member: self.id }, 'membership not renewed in time; the duties of this daemon rest')
    setView([])
  }

  function beginTerm(members: readonly StoredMember[]): void {
    const before = self.id
    hasJoined = false
    validUntil = 0
    const isReplaced = members.some(({ id }) => id === before)
    self = { id: isReplaced ? `${settings.id ?? before}-${randomId(2)}` : before, incarnation: randomUUID() }
    if (isReplaced)
      log.warn(
        { id: before, now: self.id },
        'another daemon has joined under the cluster.id of this one; give each its own',
      )
    else log.warn({ member: before }, 'the others declared this daemon dead; it joins again')
    countSelfOut()
  }

  /** Renews the term; where it is over, begins another one at once. */
  async function renew(table: MemberTable): Promise<void> {
    const askedAt = performance.now()
    const members = await (hasJoined ? table.renew(row()) : table.join(row()))
    if (members.some(isSelf)) {
      hasJoined = true
      applyMembers(members, askedAt)
    } else if (hasJoined) {
      beginTerm(members)
      await renew(table)
    }
  }

  const isSelf = ({ id, incarnation }: Fence) => id === self.id && incarnation === self.incarnation

  async function run(): Promise<void> {
    const table = (await opening).members
    if (!table) return
    while (!stop.signal.aborted) {
      await renew(table).catch((error: unknown) => {
        // The store reports an outage itself.
        if (!(error instanceof StoreUnavailable)) log.warn({ err: error }, 'membership not renewed')
      })
      await pause(retryPeriod * 1000, undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  }

  let leaving: Promise<void> | undefined

  /** Leaves the others at once, so that they take over without waiting for the lease; it does not join again. */
  async function leave(): Promise<void> {
    stop.abort()
    validUntil = 0
    clearTimeout(expiry)
    await running
    if (hasJoined) await (await opening).members?.leave(self)
  }

  const running = run().catch(() => {}) // without a store there is nothing to join, and the start has failed with this error
  if (!isShared) setView([{ ...row(), schema: 0, joined_ms: 0, seen_ms: 0 }])

  return {
    /** This daemon, and its present term. */
    self: () => self,
    isShared,
    isMember,
    /** The live members, this one too, by id; none while this daemon is not one of them. */
    view: () => (isMember() ? view : noMembers),
    /** The id of the leader; undefined where none is known or elected. */
    leader: () => (isMember() ? view.leader : undefined),
    leaderSince: () => leaderSince,
    /** The member that is responsible for a key, undefined while this daemon is no member. */
    ownerOf: (key: string) => (isMember() ? ownerOf(key) : undefined),
    /** The members in the order in which they are responsible for a key; none while this daemon is no member. */
    orderOf: (key: string) => (isMember() ? orderOf(key) : []),
    /** The present term, for writes that only an owner may do; undefined while this daemon is no member. */
    term: (): Fence | undefined => (isMember() ? self : undefined),
    /** The present term, for writes that only the leader may do; undefined for others. Without an election every member may. */
    duty: (): Fence | undefined => (isMember() && (!hasElection || view.leader === self.id) ? self : undefined),
    /** Calls a listener after every change of the members or the leader, with the members before and after. */
    subscribe: changes.subscribe,
    leave: () => (leaving ??= bounded(leave())),
    [Symbol.asyncDispose]: () => (leaving ??= bounded(leave())),
  }
}

/** Two daemons on one host differ too. */
function randomId(bytes?: number): string {
  return bytes === undefined
    ? `${hostname().slice(0, 190)}-${randomBytes(4).toString('hex')}`
    : randomBytes(bytes).toString('hex')
}

function isSameCluster(one: ClusterView, other: ClusterView): boolean {
  const termsOf = ({ members }: ClusterView) => members.map(({ id, incarnation }) => `${incarnation}:${id}`).join('\n')
  return one.leader === other.leader && termsOf(one) === termsOf(other)
}

/** A store that is away must not hold up the end; the lease ends by itself. */
async function bounded(work: Promise<void>): Promise<void> {
  await Promise.race([work.catch(() => {}), pause(maxLeaveMs, undefined, { ref: false })])
}
