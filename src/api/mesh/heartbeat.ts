import { UnknownAgent } from '../../agents/errors.ts'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { parseHeartbeat } from '../../agents/parsing/bodies.ts'
import type { Log } from '../../log.ts'
import { pathOf } from '../http/access/guard.ts'
import { replyToError } from '../http/error-reply.ts'
import { Problem } from '../http/problem.ts'
import { baseHeaders, send } from '../http/reply.ts'
import type { Front } from '../servers/fast-path.ts'
import { type PostReply, type Post, type Posts, toldText } from './batched-posts.ts'
import { decoded } from './mesh-request.ts'
import { meshProblem } from './problems.ts'

/** Heartbeats: what a mesh of thousands asks most. */
export function beating(mesh: MeshOperations): Posts {
  const told = (what: Parameters<typeof toldText>[0]): PostReply => ({ text: toldText(what, 'Heartbeat recorded') })

  const beat: Post = ({ body, caller }) => {
    const said = parseHeartbeat(body)
    if (said.registration || said.payload.metadata?.['endpoint'] !== undefined)
      return mesh.heartbeat(said, caller).then(told)
    return told(mesh.resultFor(mesh.renewLease(said.agent_id, said.payload, caller)))
  }

  return { '/heartbeat': beat, '/agents/heartbeat': beat }
}

const head = /^(?:\/api\/v1)?\/heartbeat\/([^/?]+)\/?(?:\?|$)/

/**
 * `HEAD /heartbeat/{id}` renews the lease too: 200, 202 where the agent's dependencies have changed since it was told,
 * 410 where it should register again, 503 where it should come back.
 */
export function renewing({ mesh, log }: { mesh: MeshOperations; log: Pick<Log, 'error'> }): Front {
  return (request, response, { principal, cors }) => {
    const id = request.method === 'HEAD' ? head.exec(request.url ?? '')?.[1] : undefined
    if (id === undefined) return false
    try {
      const agent = mesh.keepAlive(decoded(id), principal)
      response.writeHead(mesh.haveProvidersChanged(agent) ? 202 : 200, { ...fresh, ...cors })
      response.end()
    } catch (error) {
      const told =
        error instanceof UnknownAgent ? new Problem('agent_expired', `${error.message}: register again`) : error
      send(request, response, replyToError(meshProblem(told, mesh), { log, path: pathOf(request) }), cors)
    }
    return true
  }
}

const fresh = { ...baseHeaders, 'cache-control': 'no-store', vary: 'Origin' }
