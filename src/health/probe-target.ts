import type { RegisteredServer } from '../model/change.ts'
import type { ServerId } from '../model/names.ts'
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

/** Servers with equal keys share a target; undefined where nothing can be probed. */
export function probeTargetKey({ server, reach }: RegisteredServer): string | undefined {
  return targetOf(server).check === 'none' ? undefined : `${reach} ${targetKey(server)}`
}

export function createProbeTarget(
  key: string,
  { server }: Pick<RegisteredServer, 'server'>,
  ids: Set<ServerId>,
): ProbeTarget {
  const target = targetOf(server)
  return { key, targetKey: targetKey(server), host: target.check === 'none' ? '' : hostOf(target.url), ids }
}

function hostOf(text: string): string {
  const url = URL.parse(text)
  if (!url) return text
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
}
