import { createChunkedQueue } from '../flow/chunked-queue.ts'
import type { Change } from '../model/change.ts'
import type { Status } from '../model/health.ts'
import type { Server } from '../model/server.ts'

/** Totals over all servers. */
export type Counters = {
  /** Enabled servers by status. */
  readonly enabled: ReadonlyMap<Status, number>
  /** Disabled servers by status. */
  readonly disabled: ReadonlyMap<Status, number>
  readonly stale: number
  readonly capabilities: number
  /** Shadowed definitions by source. */
  readonly shadowed: ReadonlyMap<string, number>
}

/** Maintains totals from changes, so that reading a total does not visit every server. */
export function createCounters() {
  const enabled = new Map<Status, number>()
  const disabled = new Map<Status, number>()
  const shadowed = new Map<string, number>()
  let stale = 0
  let capabilities = 0
  const backlog = createChunkedQueue<Change>(({ now, before }) => {
    if (before) count(before.server, -1)
    if (now) count(now.server, 1)
  })

  function count(server: Server, by: 1 | -1): void {
    add(server.enabled ? enabled : disabled, server.status, by)
    for (const { source } of server.shadows) add(shadowed, source, by)
    if (server.stale) stale += by
    capabilities += by * server.capabilities.length
  }

  return {
    apply: backlog.add,
    read: (): Counters => (backlog.drain(), { enabled, disabled, stale, capabilities, shadowed }),
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
