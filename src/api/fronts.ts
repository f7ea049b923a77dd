import { createAnswers } from './answers.ts'
import { createHot, type Front, type Hot } from './hot.ts'
import { meshFronts } from './mesh/fronts.ts'
import { createOne } from './one.ts'
import type { ApiParts } from './parts.ts'
import { withNamesEncoded } from './publish/encoded.ts'

/** What answers the hottest questions before the router; it needs none of what the router loads. */
export function createFronts({
  registry,
  monitor,
  supervisor,
  mesh,
  log,
}: Pick<ApiParts, 'registry' | 'monitor' | 'supervisor' | 'mesh' | 'log'>): {
  hot: Hot
  fronts: readonly Front[]
} {
  const lists = createAnswers({
    registry,
    syncing: supervisor.syncing,
    volatile: monitor.volatile,
    onError: (error) => log.error({ err: error }, 'a long list could not be written'),
  })
  const hot = createHot({ lists, one: createOne({ registry, moving: monitor }) })
  return { hot, fronts: [hot.front, ...meshFronts({ mesh, log }), lists.front, withNamesEncoded] }
}
