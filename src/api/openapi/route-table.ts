import { statisticsRoutes } from '../servers/statistics/statistics-docs.ts'
import { clientRoutes, publishedRoutes } from './client-routes.ts'
import { clusterRoutes } from './cluster-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { meshRoutes } from './mesh/mesh-routes.ts'
import { operationRoutes } from './operation-routes.ts'
import type { RouteDoc } from './route-doc.ts'
import { selectionRoutes } from './servers/selection-routes.ts'
import { overrideRoutes, serverRoutes, tagRoutes } from './servers/server-routes.ts'
import { releaseRoutes, sourceRoutes } from './source-routes.ts'

/** Every route, by method and path, in the order of the document. A test compares it with the routes of the application. */
export const routes: Readonly<Record<string, RouteDoc>> = {
  ...serverRoutes,
  ...meshRoutes,
  ...selectionRoutes,
  ...statisticsRoutes,
  ...clientRoutes,
  ...sourceRoutes,
  ...publishedRoutes,
  ...releaseRoutes,
  ...overrideRoutes,
  ...eventRoutes,
  ...tagRoutes,
  ...operationRoutes,
  ...clusterRoutes,
}

/** The summary of each route; a route with several paths is listed by its first. */
export function endpoints(): Record<string, string> {
  const firstKeys = new Map<RouteDoc, string>()
  for (const [key, doc] of Object.entries(routes)) if (!firstKeys.has(doc)) firstKeys.set(doc, key)
  return Object.fromEntries([...firstKeys].map(([{ summary }, key]) => [key.replaceAll(/:(\w+)/g, '{$1}'), summary]))
}
