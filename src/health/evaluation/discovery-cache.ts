import { LRUCache } from 'lru-cache'
import type { Clock } from '../../flow/clock.ts'
import type { ProbeTarget } from '../probe-target.ts'
import type { ProbeOutcome } from '../probes/probe.ts'

/** A discover result that is still fresh. */
export type KeptDiscovery = {
  /** Its JSON. */
  readonly json: Buffer
  /** Wall clock, in ms. */
  readonly receivedAt: number
  readonly expiresAt: number
}

/** Longer ones are not kept: they have long instructions, and a client gets them from the server itself. */
const maxResultBytes = 16 * 1024
const maxTotalBytes = 16 * 1024 * 1024
/** Estimated overhead of an entry. */
const entryBytes = 512

type Entry = Pick<KeptDiscovery, 'json' | 'receivedAt'> & { readonly at: number; readonly ttlMs: number }

/** The last public discover result of each target, within its time to live. */
export function createDiscoveryCache({ clock }: { clock: Pick<Clock, 'now' | 'wall'> }) {
  const kept = new LRUCache<ProbeTarget, Entry>({
    maxSize: maxTotalBytes,
    sizeCalculation: ({ json }) => json.length + entryBytes,
  })

  /** Replaces the result of a target by that of its newest probe, or by none. */
  function record(target: ProbeTarget, { discovery }: Pick<ProbeOutcome, 'discovery'>): void {
    const json = discovery && Buffer.from(JSON.stringify(discovery.result))
    if (json && json.length <= maxResultBytes)
      kept.set(target, { json, at: clock.now(), receivedAt: clock.wall(), ttlMs: discovery.ttlMs })
    else kept.delete(target)
  }

  function get(target: ProbeTarget): KeptDiscovery | undefined {
    const found = kept.get(target)
    if (!found) return undefined
    const { json, receivedAt, ttlMs } = found
    if (clock.now() - found.at >= ttlMs) {
      kept.delete(target)
      return undefined
    }
    return { json, receivedAt, expiresAt: receivedAt + ttlMs }
  }

  return { record, get, forget: (target: ProbeTarget) => void kept.delete(target) }
}
export type DiscoveryCache = ReturnType<typeof createDiscoveryCache>
