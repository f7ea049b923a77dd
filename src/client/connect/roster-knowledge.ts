import type { PriorDiscovery } from '@modelcontextprotocol/client'
import type { ServerId } from '../../model/identity.ts'
import type { Server } from '../../model/server.ts'
import { createCancellation, createWatchdog } from '../roster/cancellation.ts'
import type { WatchQuery } from '../roster/query.ts'
import type { Roster } from '../roster/roster.ts'

/** Maximum time for an answer of the roster that only helps, in ms. */
const maxWaitMs = 1000
/** Age at which loads are asked for again, in ms. */
const loadsTtlMs = 1000
/** Maximum number of tools whose loads are kept. */
const maxKeptLoads = 1000
/** The first revision of the modern protocol. */
const modernRevision = '2026-07-28'

type Parts = {
  readonly roster: Pick<Roster, 'get' | 'discovery' | 'pick'>
  readonly query: WatchQuery
  readonly signal: AbortSignal
}

type Loads = ReadonlyMap<ServerId, number>

/** What the fleet asks of the roster besides the list: secrets, what the prober learned, and the loads that agents report. */
export function createRosterKnowledge({ roster, query, signal }: Parts) {
  const loads = new Map<string, { readonly at: number; readonly loads: Promise<Loads> }>()

  /** The definition with its secrets; rejects without the right, or while the roster is away. */
  const revealed = (server: Server) => roster.get(server, { secrets: true, signal })

  /**
   * What is known of a server's protocol: with it a connection takes fewer requests. It may be outdated, so a connection that fails
   * with it must be tried without it.
   */
  async function priorOf(server: Server): Promise<PriorDiscovery | undefined> {
    const revision = server.health.protocol_version
    if (revision === undefined || server.type === 'stdio') return undefined
    if (revision < modernRevision) return { kind: 'legacy' }
    const found = await helpful((limit) => roster.discovery(server, { signal: limit }))
    return (
      found && { kind: 'modern', discover: found.discover as Extract<PriorDiscovery, { kind: 'modern' }>['discover'] }
    )
  }

  /** The loads that the servers of a tool or capability report; empty while the roster cannot say. */
  function loadsOf(name: string): Promise<Loads> {
    const kept = loads.get(name)
    if (kept && performance.now() - kept.at < loadsTtlMs) return kept.loads
    if (loads.size >= maxKeptLoads) loads.clear()
    const asked = askLoads(name)
    loads.set(name, { at: performance.now(), loads: asked })
    return asked
  }

  async function askLoads(tool: string): Promise<Loads> {
    const list = await helpful((limit) =>
      roster.pick({ ...query, tool, strategy: 'least_load', n: 50 }, { signal: limit }),
    )
    return new Map(list?.picks.flatMap(({ server, load }) => (load === undefined ? [] : [[server.id, load] as const])))
  }

  /** The answer, or undefined if there is none in time. */
  async function helpful<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    using cancellation = createCancellation(signal)
    using watchdog = createWatchdog(maxWaitMs, () => cancellation.cancel(new Error('no answer in time')))
    const answer = await ask(cancellation.signal).catch(() => undefined)
    watchdog.stop()
    return answer
  }

  return { revealed, priorOf, loadsOf }
}
