import { setTimeout as pause } from 'node:timers/promises'
import { createLeaseClock } from '../agents/leases/lease-clock.ts'
import { createLeases } from '../agents/leases/leases.ts'
import { createRegistrar } from '../agents/registrar.ts'
import { createBackoff } from '../flow/backoff.ts'
import type { SelfPreservation, SelfPreservationRules } from '../flow/self-preservation.ts'
import type { Log } from '../log.ts'
import { serverId } from '../model/names.ts'
import { SourceError } from '../model/source.ts'
import type { Duty } from '../stores/member.ts'
import {
  type RegistrationKind,
  type Rewound,
  type Store,
  type StoreChange,
  type StoreSnapshot,
  type StoreType,
  StoreUnavailable,
} from '../stores/store.ts'
import { createAgentBook } from './agent-book.ts'
import { createManualServers } from './manual-servers.ts'
import { createOverrides } from './overrides.ts'
import { createPushSources } from './push-sources.ts'
import { type Reconciliation, reconcile } from './rewind.ts'

/** The registrations are not loaded from the store yet; retry soon. */
export class NotLoadedYet extends Error {
  override name = 'NotLoadedYet'
  readonly retry_after = 1
}

/** Time after a store outage in which other replicas may still write their heartbeats, in ms. */
const catchUpMs = 5000

/** How long a database that went back is shown at `/health`, in ms. */
const warnedMs = 3_600_000

export type RegistrationSettings = {
  /** Silence after which an agent is forgotten. */
  readonly retentionMs: number
  readonly selfPreservation: SelfPreservationRules
  readonly maxAgents: number
  /** Maximum bytes of memory of all agents beyond what each may take, and of one agent. */
  readonly maxBytes: number
  readonly maxAgentBytes: number
}

export type Registrations = ReturnType<typeof startRegistrations>

/**
 * The registrations that survive a restart: agents, and servers written by hand. Loads them from the store, follows the
 * writes of other replicas, and expires leases.
 */
export function startRegistrations({
  opening,
  settings,
  duty,
  log,
  onForgotten,
  clock: clockOptions = {},
}: {
  /** The store while it opens; only writes wait for it. */
  opening: Promise<Store>
  /** Read at every use, so that a reload takes effect. */
  settings: () => RegistrationSettings
  /** Whether this daemon retires silent agents; without it, it is alone. */
  duty?: Duty
  log: Log
  onForgotten?: Parameters<typeof createRegistrar>[0]['onForgotten']
  /** Injected by tests. */
  clock?: Omit<Parameters<typeof createLeaseClock>[0], 'onGrace'>
}) {
  const stop = new AbortController()
  const loaded = Promise.withResolvers<void>()
  let isLoaded = false
  let store: Store | undefined
  let epoch: string | undefined
  let onEpoch: (epoch: string, type: StoreType) => void = () => {}
  const openedStore: Pick<Store, 'commit' | 'recordHeartbeats'> = {
    commit: async (operations) => await (store ?? (await opening)).commit(operations),
    recordHeartbeats: (heartbeats) => store?.recordHeartbeats(heartbeats),
  }
  const clock = createLeaseClock({ ...clockOptions, onGrace: extendLeases })
  const leases = createLeases({
    clock,
    rules: () => settings().selfPreservation,
    retentionMs: settings().retentionMs,
    isPartitioned,
    onSelfPreservation: logSelfPreservation,
  })
  const agents = createRegistrar({ store: openedStore, leases, settings, duty, log, onForgotten })
  const manual = createManualServers({ store: openedStore })
  const overrides = createOverrides({ store: openedStore })
  const holders = { agent: agents, manual, override: overrides }
  const books = [createAgentBook(agents), manual.book, overrides.book]
  let lastRewind: (Reconciliation & { readonly at: number; readonly reason: string }) | undefined
  const push = createPushSources({ loaded: loaded.promise, isLoaded: () => isLoaded, note: outageNote })

  function extendLeases(gapMs: number): void {
    log.warn({ seconds: Math.round(gapMs / 1000) }, 'process stalled; every lease gets a full interval')
    leases.extendAll()
  }

  function logSelfPreservation(state: SelfPreservation | undefined): void {
    if (!state) return log.info('self-preservation of agents ended; leases expire again')
    log.warn(
      { silent: state.failing, of: state.of, until: new Date(state.until).toISOString() },
      'most agents fell silent at once; no lease expires until half of them send heartbeats again, or until POST /sources/NAME/release',
    )
  }

  /** Whether heartbeats of other replicas may be missing: the store is down, or recovered a moment ago. For a limited time. */
  function isPartitioned(): boolean {
    const state = store?.state()
    if (!state) return false
    return state.forMs < (state.status === 'down' ? settings().selfPreservation.maxMs : catchUpMs)
  }

  function outageNote(): string | undefined {
    const state = store?.state()
    return state?.status === 'down' ? `the store is down: ${state.reason ?? 'no reason given'}` : undefined
  }

  function setEpoch(next: string): void {
    if (next === epoch) return
    epoch = next
    if (store) onEpoch(next, store.type)
  }

  function applySnapshot({ registrations, heartbeats, resource_version }: StoreSnapshot): void {
    const ofKind = (kind: RegistrationKind) => registrations.filter((registration) => registration.kind === kind)
    // First: what they say of a server holds from the moment that it is seen.
    overrides.load(ofKind('override'), resource_version)
    agents.load(ofKind('agent'), heartbeats, resource_version)
    manual.load(ofKind('manual'), resource_version)
  }

  /** Retries while the store is down: until then, what it lost is in memory only. */
  async function applyRewound(snapshot: StoreSnapshot, rewound: Rewound): Promise<void> {
    const { reason } = rewound
    const backoff = createBackoff()
    while (!stop.signal.aborted) {
      try {
        const counts = await reconcile({ store: openedStore, snapshot, rewound, books, log })
        log.warn({ reason, to: rewound.to, ...counts }, 'database went back to an earlier state; memory reconciled')
        lastRewind = { at: Date.now(), reason, ...counts }
        return
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        await pause(backoff.next(), undefined, { signal: stop.signal, ref: false }).catch(() => {})
      }
    }
  }

  /** Says for an hour that the database went back. */
  function warnings(): string[] {
    if (!lastRewind || Date.now() - lastRewind.at > warnedMs) return []
    const { at, reason, stored, dropped } = lastRewind
    return [
      `the database went back to an earlier state at ${new Date(at).toISOString()} (${reason}): ` +
        `${stored} registrations were stored again, ${dropped} dropped`,
    ]
  }

  async function applyChange(change: StoreChange): Promise<void> {
    if (change.type === 'snapshot') {
      setEpoch(change.snapshot.epoch)
      if (change.rewound) await applyRewound(change.snapshot, change.rewound)
      else applySnapshot(change.snapshot)
    } else if (change.type === 'heartbeats') agents.applyReplicaHeartbeats(change.heartbeats)
    else if (change.type === 'put') holders[change.registration.kind].applyRegistration(change.registration)
    else if (change.kind === 'agent') agents.applyDeletion(change.name, change.resource_version)
    else holders[change.kind].applyDeletion(serverId(change.namespace, change.name), change.resource_version)
  }

  /** Loads the store, retrying until it succeeds, then follows the writes of other replicas. */
  async function follow(): Promise<void> {
    const backoff = createBackoff()
    store = await opening
    while (!stop.signal.aborted) {
      try {
        const snapshot = await store.load()
        applySnapshot(snapshot)
        setEpoch(snapshot.epoch)
        isLoaded = true
        loaded.resolve()
        backoff.reset()
        for await (const batch of store.changes({ since: snapshot.resource_version, signal: stop.signal })) {
          for (const change of batch) await applyChange(change)
        }
      } catch (error) {
        if (stop.signal.aborted) return
        log.warn({ err: error }, 'store load failed; retrying')
      }
      await pause(backoff.next(), undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  }

  const ticking = setInterval(() => {
    clock.tick()
    leases.setRetention(settings().retentionMs)
    agents.applyExpirations()
  }, clock.tickMs)
  ticking.unref()
  const following = follow().catch((error: unknown) => log.debug({ err: error }, 'store not opened; nothing to follow'))

  return {
    agents,
    manual,
    overrides,
    sources: { agents: push.sourceOf(agents), manual: push.sourceOf(manual) },
    /** Applies expired leases; called before every read of the registry. */
    applyExpirations: agents.applyExpirations,
    selfPreservation: leases.selfPreservation,
    endSelfPreservation: leases.endSelfPreservation,
    /** The state of the store; undefined until it is open. */
    storeState: () => store?.state(),
    warnings,
    /** The identity of the database; undefined until it is loaded. */
    epoch: () => epoch,
    /** Sets what is called once the identity of the database is known, and when another database took its place. */
    onEpoch: (call: typeof onEpoch) => void (onEpoch = call),
    /** Resolves once the registrations are loaded, or after `maxMs`; never rejects. */
    whenLoaded: async (maxMs: number) => {
      const waiting = new AbortController()
      const isLate = pause(maxMs, undefined, { signal: waiting.signal, ref: false }).catch(() => {})
      await Promise.race([loaded.promise.catch(() => {}), isLate])
      waiting.abort()
    },
    /** Throws `NotLoadedYet` until the registrations are loaded. */
    assertLoaded: () => {
      if (!isLoaded) throw new NotLoadedYet('registrations are still being loaded from the store')
    },
    /** Throws `NotLoadedYet` until the registry shows every registered agent. */
    assertPublished: () => {
      if (!push.isPublished(agents)) throw new NotLoadedYet('agents are still being loaded from the store')
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      clearInterval(ticking)
      loaded.reject(new SourceError('the daemon stops'))
      loaded.promise.catch(() => {}) // without a running source no one awaits it
      await following
    },
  }
}
