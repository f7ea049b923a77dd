import { createRoutes } from '../http/context.ts'
import type { ApiPorts } from '../ports.ts'
import { agentHandlers } from './agents.ts'
import { createBatchedPosts } from './batched-posts.ts'
import { dependencyHandlers } from './dependencies.ts'
import { heartbeatHandlers, renew } from './heartbeat.ts'
import { meshRoute } from './mesh-request.ts'
import { registrationHandlers } from './register.ts'
import { toolingApi } from './tooling.ts'
import { createTools } from './tools.ts'

/** The routes of the mesh registry that this daemon replaces. */
export function meshApi({ mesh, watch, publish, calls }: Pick<ApiPorts, 'mesh' | 'watch' | 'publish' | 'calls'>) {
  const api = createRoutes()
  const route = (answer: Parameters<typeof meshRoute>[1]) => meshRoute(mesh, answer)
  const agents = agentHandlers(mesh)
  const post = createBatchedPosts(mesh)

  const posts = { ...heartbeatHandlers(mesh), ...registrationHandlers(mesh) }
  for (const [path, handle] of Object.entries(posts)) api.post(path, post(handle))
  api.get('/heartbeat/:id', route(renew(mesh)))
  const listAgents = route(agents.list)
  api.get('/agents', (c) => watch.agents(c) ?? listAgents(c))
  // `/agents/watch` too: a route of its own would cost all routes the fast router.
  const showAgent = route(agents.show)
  api.get('/agents/:id', (c) => watch.agents(c) ?? showAgent(c))
  api.get('/agents/:id/status', route(agents.status))
  api.delete('/agents/:id', route(agents.remove))
  const listCapabilities = route(agents.capabilities)
  api.get('/capabilities', (c) => watch.capabilities(c) ?? listCapabilities(c))
  api.get('/capabilities/watch', (c) => watch.capabilities(c) ?? listCapabilities(c))
  api.get('/health/:id', route(agents.health))
  const dependencies = dependencyHandlers(mesh)
  api.get('/dependencies', route(dependencies.list))
  api.get('/dependencies/:id', route(dependencies.show))
  api.post('/mcp/tools/:tool', createTools(mesh))
  api.route('/', toolingApi({ mesh, publish }))
  api.post('/proxy/*', calls.handle)
  return api
}
