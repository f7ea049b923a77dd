import { createChunkedQueue } from '../../flow/chunked-queue.ts'
import type { Change } from '../../model/change.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'

/**
 * The ids of servers under which an agent is registered, though another source's definition wins: the registry does not
 * find these by what the agent says of itself.
 */
export function followShadowed({
  registry,
  source,
}: {
  registry: Pick<MeshRegistry, 'list' | 'subscribe'>
  /** Name of the source of agents. */
  source: () => string | undefined
}) {
  const ids = new Set<string>()

  function note({ now, before }: Pick<Change, 'now' | 'before'>): void {
    if (now && !isAgent(now) && now.server.shadows.some((shadow) => shadow.source === source())) ids.add(now.server.id)
    else ids.delete((now ?? before)?.server.id ?? '')
  }

  for (const now of registry.list()) note({ now, before: now })
  const backlog = createChunkedQueue(note)
  const leave = registry.subscribe(({ changes }) => backlog.add(changes))
  return { ids: (): ReadonlySet<string> => (backlog.settle(), ids), close: leave }
}
