import { Hono } from 'hono'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import type { Log } from '../../log.ts'
import type { Bindings } from '../http/pipeline.ts'
import { askingOf } from './agents.ts'
import { createPosts } from './batched-posts.ts'
import { postsOf } from './fast-paths.ts'
import { meshRoute } from './mesh-request.ts'
import { createTools } from './tools.ts'

/** The routes of the mesh registry that this daemon replaces. */
export function meshApi({ mesh, log }: { mesh: MeshOperations; log: Pick<Log, 'error'> }) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })
  const route = (answer: Parameters<typeof meshRoute>[1]) => meshRoute(mesh, answer)
  const ask = askingOf(mesh)
  const posts = postsOf(mesh)
  const posting = createPosts({ posts, mesh, log })

  for (const [path, post] of Object.entries(posts)) api.post(path, route(posting.route(post)))
  api.get('/agents', route(ask.list))
  api.get('/agents/:id', route(ask.show))
  api.delete('/agents/:id', route(ask.remove))
  api.get('/capabilities', route(ask.capabilities))
  api.get('/health/:id', route(ask.health))
  api.post('/mcp/tools/:tool', createTools(mesh))
  return api
}
