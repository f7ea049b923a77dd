import { UnknownAgent } from '../../agents/errors.ts'
import type { MeshOperations, RegistrationResult } from '../../agents/mesh-operations.ts'
import { parseHeartbeat } from '../../agents/parsing/bodies.ts'
import { withoutTrailingGaps } from '../../agents/resolution/tool-answer.ts'
import type { ApiContext, ApiResponse } from '../http/context.ts'
import type { HeaderOf } from '../http/preconditions.ts'
import { Problem } from '../http/problem.ts'
import { uncachedHeaders } from '../http/reply.ts'
import { type PostHandler, type PostHandlers, type PostReply, resultText } from './batched-posts.ts'
import { agentIdIn } from './mesh-request.ts'

/** `POST /heartbeat`: the most frequent request of a mesh. */
export function heartbeatHandlers(mesh: MeshOperations): PostHandlers {
  const beat: PostHandler = ({ body, principal, header }) => {
    const heartbeat = parseHeartbeat(body)
    if (heartbeat.registration || heartbeat.payload.metadata?.['endpoint'] !== undefined)
      return mesh.heartbeat(heartbeat, principal).then((result) => replyTo(header, result))
    return replyTo(header, mesh.resultFor(mesh.renewLease(heartbeat.agent_id, heartbeat.payload, principal)))
  }

  return { '/heartbeat': beat, '/agents/heartbeat': beat }
}

/**
 * Python runtimes before 0.8 keep a provider while the answer has its place, whatever the status there.
 *
 * Their client names itself so in every version; see `test/published/`.
 */
const keepsEveryPlace = /^OpenAPI-Generator\/.*python/

function replyTo(header: HeaderOf, result: RegistrationResult): PostReply {
  const { byFunction } = result
  const isKeeping = byFunction !== undefined && keepsEveryPlace.test(header('user-agent') ?? '')
  const answered = isKeeping ? { ...result, byFunction: withoutTrailingGaps(byFunction) } : result
  return { text: resultText(answered, 'Heartbeat recorded') }
}

/** Whether a path is one that takes HEAD alone. */
export function isRenewal(path: string): boolean {
  return /^(?:\/api\/v1)?\/heartbeat\/[^/]+$/.test(path)
}

/**
 * `HEAD /heartbeat/{id}` renews the lease: 200; 202 where the agent's dependencies have changed since its last heartbeat;
 * 410 where it has to register again; 503 where it has to retry. Hono routes a HEAD request as a GET.
 */
export function renew(mesh: MeshOperations) {
  return (c: ApiContext): ApiResponse => {
    if (c.env.incoming.method !== 'HEAD') return c.notFound()
    const { principal, cors } = c.env
    try {
      const agent = mesh.keepAlive(agentIdIn(c), principal)
      return new Response(null, {
        status: mesh.haveProvidersChanged(agent) ? 202 : 200,
        headers: { ...uncachedHeaders, ...cors },
      })
    } catch (error) {
      if (error instanceof UnknownAgent) throw new Problem('agent_expired', `${error.message}: register again`)
      throw error
    }
  }
}
