import type { RegisteredServer } from '../model/change.ts'
import type { ServerId } from '../model/names.ts'
import type { Server } from '../model/server.ts'
import { targetKey, targetOf } from '../model/target.ts'

/** A target to probe, shared by all servers that have it. Only the target table writes to it. */
export type ProbeTarget = {
  /** Reach and `targetKey`: servers with equal keys share the target. */
  readonly key: string
  /** The registry drops observations of a target that is not the server's any more. */
  readonly targetKey: string
  /** `host:port`, the unit of the per-host limit. */
  readonly host: string
  /** The servers that have it; empty once the last is gone. */
  readonly ids: ReadonlySet<ServerId>
}

/** Whether the daemon may run the command of a server. */
export type MayRun = (server: Server) => boolean

/** Servers with equal keys share a target; undefined where nothing can be probed. */
export function probeTargetKey({ server, reach }: RegisteredServer, mayRun: MayRun = () => false): string | undefined {
  const { check } = targetOf(server)
  if (check === 'none' || (check === 'stdio' && !mayRun(server))) return undefined
  return `${reach} ${targetKey(server, server.source)}`
}

export function createProbeTarget(
  key: string,
  { server }: Pick<RegisteredServer, 'server'>,
  ids: Set<ServerId>,
): ProbeTarget {
  const target = targetOf(server)
  // All commands share one limit.
  return { key, targetKey: targetKey(server, server.source), host: 'url' in target ? hostOf(target.url) : '', ids }
}

function hostOf(text: string): string {
  const url = URL.parse(text)
  if (!url) return text
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
}
