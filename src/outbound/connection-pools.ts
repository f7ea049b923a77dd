import { isIP, type LookupFunction } from 'node:net'
import type { Agent } from 'undici'
import { createAddressGuard, type Policy } from './addresses.ts'
import { Blocked } from './error-reasons.ts'

export type Tls = { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly insecure?: boolean }

/** Finds the addresses of a name; `dns.lookup` does. */
export type HostLookup = (
  hostname: string,
  options: { readonly all: true; readonly family?: number; readonly hints?: number },
  callback: (
    error: NodeJS.ErrnoException | null,
    addresses: readonly { readonly address: string; readonly family: number }[],
  ) => void,
) => void

export type AddressGuard = ReturnType<typeof createAddressGuard>

/**
 * A lookup that hands on only addresses that may be called, so that what was checked is what is connected to.
 *
 * Hosts with one address of use and a link-local one beside it are common, so the rest of an answer stays usable.
 */
export function guardedLookup(guard: AddressGuard, lookup: HostLookup): LookupFunction {
  return (hostname, { all, family, hints }, callback) => {
    const wanted = family === 'IPv6' ? 6 : family === 'IPv4' ? 4 : (family ?? 0)
    lookup(hostname, { all: true, family: wanted, ...(hints === undefined ? {} : { hints }) }, (error, found) => {
      if (error) return callback(error, '')
      const good = found.filter(({ address }) => guard(address) === undefined)
      const [first] = good
      if (first === undefined) return callback(refusal(hostname, found[0], guard), '')
      if (all) return callback(null, [...good])
      return callback(null, first.address, first.family)
    })
  }
}

function refusal(hostname: string, found: { readonly address: string } | undefined, guard: AddressGuard): Error {
  if (!found) return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' })
  return new Blocked(`the address ${guard(found.address) ?? 'is refused'}`)
}

/** A literal address never comes by a lookup, so it is checked by itself. */
export function checkLiteral(hostname: string, guard: AddressGuard): Blocked | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '')
  const why = isIP(bare.replace(/%.*$/, '')) === 0 ? undefined : guard(bare)
  return why === undefined ? undefined : new Blocked(`the address ${why}`)
}

/** Connection pools, and what guards them, one for each way of checking addresses and certificates, so that no pool lends another its sockets. */
export function createPools({ lookup, most = 64 }: { lookup: HostLookup; most?: number }) {
  const pools = new Map<string, Promise<Agent>>()
  const guards = new Map<string, AddressGuard>()
  const retired = new Set<Promise<Agent>>()
  /** Connections made to an origin while exchanges with it are under way. */
  const made = new Map<string, { users: number; connections: number }>()

  async function open(guard: AddressGuard, tls: Tls | undefined): Promise<Agent> {
    // Loaded at the first use: a daemon that calls nobody starts without it.
    const [{ default: Agent }, { default: buildConnector }] = await Promise.all([
      import('undici/lib/dispatcher/agent.js'),
      import('undici/lib/core/connect.js'),
    ])
    const connect = buildConnector({
      allowH2: false,
      timeout: 10_000,
      autoSelectFamily: true,
      lookup: guardedLookup(guard, lookup),
      ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls?.key === undefined ? {} : { key: tls.key }),
      ...(tls?.insecure === true ? { rejectUnauthorized: false } : {}),
    })
    return new Agent({
      allowH2: false,
      // The door's own deadlines are exact; undici's timers are not.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 4000,
      keepAliveMaxTimeout: 4000,
      maxHeaderSize: 32_768,
      connect: (options, callback) => {
        const { hostname, host, protocol } = options
        const count = made.get(`${protocol}//${host ?? hostname}`)
        if (count) count.connections++
        const refused = checkLiteral(hostname, guard)
        if (refused) queueMicrotask(() => callback(refused, null))
        else connect(options, callback)
      },
    })
  }

  function guardFor({ reach, allow, deny }: Policy): AddressGuard {
    const key = JSON.stringify([reach, allow, deny])
    const known = guards.get(key)
    if (known) return known
    const guard = createAddressGuard({ reach, ...(allow ? { allow } : {}), ...(deny ? { deny } : {}) })
    guards.set(key, guard)
    const [oldest] = guards.keys()
    if (guards.size > most && oldest !== undefined) guards.delete(oldest)
    return guard
  }

  function poolFor(policy: Policy & { readonly tls?: Tls }): Promise<Agent> {
    const { reach, allow, deny, tls } = policy
    const key = JSON.stringify([reach, allow, deny, tls])
    const known = pools.get(key)
    if (known) {
      pools.delete(key)
      pools.set(key, known)
      return known
    }
    const agent = open(guardFor(policy), tls)
    pools.set(key, agent)
    if (pools.size > most) retireOldest()
    return agent
  }

  function retireOldest(): void {
    const [oldest] = pools
    if (!oldest) return
    const [key, agent] = oldest
    pools.delete(key)
    retired.add(agent)
    void agent
      .then(async (agent) => agent.close())
      .catch(() => undefined) // whoever asked it has heard why it could not be opened
      .finally(() => retired.delete(agent))
  }

  /** Counts connections to `origin` until disposed; none made means that an exchange ran on one that was there before. */
  function counting(origin: string) {
    const count = made.get(origin) ?? { users: 0, connections: 0 }
    count.users++
    made.set(origin, count)
    return {
      connections: () => count.connections,
      [Symbol.dispose]: () => {
        if (--count.users === 0) made.delete(origin)
      },
    }
  }

  async function close(): Promise<void> {
    const all = [...pools.values(), ...retired]
    pools.clear()
    await Promise.all(all.map(async (agent) => (await agent).destroy()))
  }

  return { guardFor, poolFor, counting, close, size: () => pools.size }
}
