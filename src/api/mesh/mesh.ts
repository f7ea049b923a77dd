import { Hono } from 'hono'
import type { Mesh } from '../../agents/mesh.ts'
import type { Log } from '../../log.ts'
import type { Bindings } from '../edge.ts'
import { askingOf } from './agents.ts'
import { meshRoute } from './asked.ts'
import { createHeartbeats } from './heartbeat.ts'
import { registering } from './register.ts'
import { createTools } from './tools.ts'

/** The routes of the mesh registry that this daemon replaces. */
export function meshApi({ mesh, log }: { mesh: Mesh; log: Pick<Log, 'error'> }) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })
  const route = (answer: Parameters<typeof meshRoute>[1]) => meshRoute(mesh, answer)
  const register = registering(mesh)
  const ask = askingOf(mesh)
  const heartbeats = createHeartbeats({ mesh, log })

  api.post('/agents/register_with_metadata', route(register.withMetadata))
  api.post('/agents/register', route(register.bare))
  api.post('/agents/heartbeat', route(heartbeats.route))
  api.post('/agents', route(register.bare))
  api.get('/agents', route(ask.list))
  api.get('/agents/:id', route(ask.show))
  api.delete('/agents/:id', route(ask.remove))
  api.post('/heartbeat', route(heartbeats.route))
  api.get('/capabilities', route(ask.capabilities))
  api.get('/health/:id', route(ask.health))
  api.post('/mcp/tools/:tool', createTools(mesh))
  return api
}
