import { meshFronts } from './mesh/fast-paths.ts'
import type { ApiPorts } from './ports.ts'
import { withNamesEncoded } from './publish/slash-encoding.ts'
import { createDetailCache } from './servers/detail-cache.ts'
import { createHot, type Front, type Hot } from './servers/fast-path.ts'
import { createListCache } from './servers/list/list-cache.ts'

/** What answers the hottest questions before the router; it needs none of what the router loads. */
export function createFronts({
  registry,
  monitor,
  supervisor,
  mesh,
  log,
}: Pick<ApiPorts, 'registry' | 'monitor' | 'supervisor' | 'mesh' | 'log'>): {
  hot: Hot
  fronts: readonly Front[]
} {
  const lists = createListCache({
    registry,
    syncing: supervisor.syncing,
    volatile: monitor.volatile,
    onError: (error) => log.error({ err: error }, 'a long list could not be written'),
  })
  const hot = createHot({ lists, one: createDetailCache({ registry, moving: monitor }) })
  return { hot, fronts: [hot.front, ...meshFronts({ mesh, log }), lists.front, withNamesEncoded] }
}
