import { setTimeout as pause } from 'node:timers/promises'
import { createLeaseClock } from '../agents/leases/lease-clock.ts'
import { createLeases } from '../agents/leases/leases.ts'
import { type Registrar, createRegistrar } from '../agents/registrar.ts'
import { createBackoff } from '../flow/backoff.ts'
import type { SelfPreservationRules } from '../flow/self-preservation.ts'
import type { Log } from '../log.ts'
import { serverId } from '../model/names.ts'
import { type SourceRun, type Sighting, type Source, SourceError } from '../model/source.ts'
import type { RegistrationKind, StoreChange, StoreSnapshot, Store } from '../stores/store.ts'
import { createManualServers, type ManualServers } from './manual-servers.ts'

/** Everything is kept in the store and has not been read from it yet: ask again soon. */
export class NotLoadedYet extends Error {
  override name = 'NotLoadedYet'
  readonly retry_after = 1
}

/** So long after the store is back, replicas may still be writing what they heard. */
const backMs = 5000

export type RegistrationSettings = {
  /** How long an agent that is not heard is kept. */
  readonly retentionMs: number
  readonly selfPreservation: SelfPreservationRules
  /** Most agents. */
  readonly maxAgents: number
}

export type Registrations = ReturnType<typeof startRegistrations>

/**
 * What is registered here and survives a restart: agents and servers written by hand. Loads them from the store, follows
 * what other replicas write, and lets time pass over the leases.
 */
export function startRegistrations({
  opening,
  settings,
  log,
  clock: times = {},
}: {
  /** The store, still being opened: nobody waits for it who asks for something else. */
  opening: Promise<Store>
  /** Asked whenever they are needed, so that a reload takes effect. */
  settings: () => RegistrationSettings
  log: Log
  /** Injected by tests. */
  clock?: Omit<Parameters<typeof createLeaseClock>[0], 'onGrace'>
}) {
  const stop = new AbortController()
  const loaded = Promise.withResolvers<void>()
  let isLoaded = false
  /** Whose picture the registry has taken in, and by which run. */
  const shown = new Map<object, (sighting: Sighting) => void>()
  let store: Store | undefined
  let epoch: string | undefined
  const later: Pick<Store, 'commit' | 'recordHeartbeats'> = {
    commit: async (operations) => await (store ?? (await opening)).commit(operations),
    recordHeartbeats: (beats) => store?.recordHeartbeats(beats),
  }
  const clock = createLeaseClock({ ...times, onGrace: graced })
  const leases = createLeases({
    clock,
    rules: () => settings().selfPreservation,
    retentionMs: settings().retentionMs,
    isPartitioned: deaf,
  })
  const agents: Registrar = createRegistrar({ store: later, leases, settings, log })
  const manual: ManualServers = createManualServers({ store: later })

  function graced(gapMs: number): void {
    log.warn(
      { seconds: Math.round(gapMs / 1000) },
      'nobody could be heard for a while; every lease has a full interval more',
    )
    leases.extendAll()
  }

  /** Whether the store, by which replicas hear of each other's agents, is down or only just back; for a time. */
  function deaf(): boolean {
    const state = store?.state()
    if (!state) return false
    return state.forMs < (state.status === 'down' ? settings().selfPreservation.mostMs : backMs)
  }

  function takePicture({ registrations, heartbeats: beats, resource_version }: StoreSnapshot): void {
    const of = (kind: RegistrationKind) => registrations.filter((registration) => registration.kind === kind)
    agents.load(of('agent'), beats, resource_version)
    manual.load(of('manual'), resource_version)
  }

  function takeNews(news: StoreChange): void {
    if (news.type === 'snapshot') takePicture(news.snapshot)
    else if (news.type === 'heartbeats') agents.applyReplicaHeartbeats(news.heartbeats)
    else if (news.type === 'put' && news.registration.kind === 'agent') agents.applyRegistration(news.registration)
    else if (news.type === 'put') manual.applyRegistration(news.registration)
    else if (news.kind === 'agent') agents.applyDeletion(news.name, news.resource_version)
    else manual.applyDeletion(serverId(news.namespace, news.name), news.resource_version)
  }

  /** Loads until it succeeds, then follows what others write. */
  async function follow(): Promise<void> {
    const backoff = createBackoff()
    store = await opening
    while (!stop.signal.aborted) {
      try {
        const picture = await store.load()
        takePicture(picture)
        epoch = picture.epoch
        isLoaded = true
        loaded.resolve()
        backoff.reset()
        for await (const news of store.changes({ since: picture.resource_version, signal: stop.signal })) {
          for (const one of news) takeNews(one)
        }
      } catch (error) {
        if (stop.signal.aborted) return
        log.warn({ err: error }, 'the store cannot be read, trying again')
      }
      await pause(backoff.next(), undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  }

  const isRead = () => isLoaded

  /** A source of what is registered: everything once it is loaded, then each change as it is made. */
  function sourceOf(part: Pick<Registrar, 'attach' | 'detach'>): Source {
    return async function* (run: SourceRun): AsyncGenerator<Sighting> {
      while (!isRead()) {
        await Promise.race([loaded.promise.catch(() => {}), run.wake.wait(5000)])
        if (run.signal.aborted) return
        if (!isRead()) yield { type: 'alive', note: 'waiting for the store' }
      }
      run.wake.take()
      const waiting: Sighting[] = []
      let taken = false
      const tell = (sighting: Sighting) => (taken ? run.push(sighting) : void waiting.push(sighting))
      try {
        yield part.attach(tell)
        // The picture is looked at in slices; what changed meanwhile is newer than it and must come after it.
        taken = true
        for (const sighting of waiting) run.push(sighting)
        shown.set(part, tell)
        for (;;) {
          await run.wake.wait(30_000)
          if (run.signal.aborted) return
          run.wake.take()
          yield { type: 'alive', ...noted() }
        }
      } finally {
        part.detach(tell)
        // A run that ends late says nothing of the one that follows it.
        if (shown.get(part) === tell) shown.delete(part)
      }
    }
  }

  function noted(): { note?: string } {
    const state = store?.state()
    return state?.status === 'down' ? { note: `the store is down: ${state.reason ?? 'no reason given'}` } : {}
  }

  const ticking = setInterval(() => {
    clock.tick()
    leases.setRetention(settings().retentionMs)
    agents.applyExpirations()
  }, clock.tickMs)
  ticking.unref()
  const following = follow().catch((error: unknown) => log.debug({ err: error }, 'there is no store to follow'))

  return {
    agents,
    manual,
    sources: { agents: sourceOf(agents), manual: sourceOf(manual) },
    /** Applies what is due; called before every read of the registry. */
    applyExpirations: agents.applyExpirations,
    selfPreservation: leases.selfPreservation,
    endSelfPreservation: leases.endSelfPreservation,
    /** How the store fares; undefined until it is opened. */
    storeState: () => store?.state(),
    /** Names the database in which all this is kept, once it has been read. */
    epoch: () => epoch,
    /** Throws `NotLoadedYet` while nothing can be said about who is registered. */
    assertLoaded: () => {
      if (!isLoaded) throw new NotLoadedYet('what is registered is still being read from the store')
    },
    /** Throws `NotLoadedYet` until the registry shows every agent that is registered. */
    assertPublished: () => {
      if (!shown.has(agents)) throw new NotLoadedYet('which agents there are is still being read from the store')
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      clearInterval(ticking)
      loaded.reject(new SourceError('the daemon stops'))
      loaded.promise.catch(() => {}) // nobody may be waiting
      await following
    },
  }
}
