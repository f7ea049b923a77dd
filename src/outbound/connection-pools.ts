import { LRUCache } from 'lru-cache'
import type { Agent } from 'undici'
import { loadUndiciCore } from '../runtime/undici-core.ts'
import {
  type AddressGuard,
  type AddressPolicy,
  checkLiteralAddress,
  createAddressGuard,
  guardedLookup,
} from './address-guard.ts'
import type { HostLookup } from './dns-lookup.ts'

export type ClientTls = {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly insecure?: boolean
}

const connectTimeoutMs = 10_000
/** Below the 5 s that Node servers keep an idle connection, so that the client closes it first. */
const keepAliveMs = 4000
const maxHeaderBytes = 32_768

/** One connection pool for each policy of addresses and certificates, so that no policy reuses another's sockets. */
export function createConnectionPools({ lookup, maxPools = 64 }: { lookup: HostLookup; maxPools?: number }) {
  const retired = new Set<Promise<Agent>>()
  const pools = new LRUCache<string, Promise<Agent>>({
    max: maxPools,
    dispose: (agent, _key, reason) => {
      if (reason === 'evict') retire(agent)
    },
  })
  const guards = new LRUCache<string, AddressGuard>({ max: maxPools })
  /** Connections opened to an origin while exchanges with it are in flight. */
  const openings = new Map<string, { users: number; connections: number }>()

  async function open(guard: AddressGuard, tls: ClientTls | undefined): Promise<Agent> {
    // Loaded at the first request: a daemon that calls no server starts without it.
    const { Agent, buildConnector } = await loadUndiciCore()
    const connect = buildConnector({
      allowH2: false,
      timeout: connectTimeoutMs,
      autoSelectFamily: true,
      lookup: guardedLookup(guard, lookup),
      ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls?.key === undefined ? {} : { key: tls.key }),
      ...(tls?.insecure === true ? { rejectUnauthorized: false } : {}),
    })
    return new Agent({
      allowH2: false,
      // The client sets its own deadlines: undici's timers are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
      connect: (options, callback) => {
        const { hostname, host, protocol } = options
        const count = openings.get(`${protocol}//${host ?? hostname}`)
        if (count) count.connections++
        const blocked = checkLiteralAddress(hostname, guard)
        if (blocked) queueMicrotask(() => callback(blocked, null))
        else connect(options, callback)
      },
    })
  }

  function guardFor({ reach, allow, deny, exceptions }: AddressPolicy): AddressGuard {
    const key = JSON.stringify([reach, allow, deny, exceptions])
    const cached = guards.get(key)
    if (cached) return cached
    const guard = createAddressGuard({
      reach,
      ...(allow ? { allow } : {}),
      ...(deny ? { deny } : {}),
      ...(exceptions ? { exceptions } : {}),
    })
    guards.set(key, guard)
    return guard
  }

  function poolFor(policy: AddressPolicy & { readonly tls?: ClientTls }): Promise<Agent> {
    const { reach, allow, deny, exceptions, tls } = policy
    const key = JSON.stringify([reach, allow, deny, exceptions, tls])
    const cached = pools.get(key)
    if (cached) return cached
    const agent = open(guardFor(policy), tls)
    pools.set(key, agent)
    return agent
  }

  function retire(agent: Promise<Agent>): void {
    retired.add(agent)
    void agent
      .then(async (agent) => agent.close())
      .catch(() => undefined) // the request that opened it has reported the error
      .finally(() => retired.delete(agent))
  }

  /** Counts the connections opened to `origin` until disposed; zero means that an exchange reused an idle one. */
  function countConnections(origin: string) {
    const count = openings.get(origin) ?? { users: 0, connections: 0 }
    count.users++
    openings.set(origin, count)
    return {
      connections: () => count.connections,
      [Symbol.dispose]: () => {
        if (--count.users === 0) openings.delete(origin)
      },
    }
  }

  async function close(): Promise<void> {
    const agents = [...pools.values(), ...retired]
    pools.clear()
    await Promise.all(agents.map(async (agent) => (await agent).destroy()))
  }

  return { guardFor, poolFor, countConnections, close, size: () => pools.size }
}
