import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../../agents/caller.ts'
import { parseBeat } from '../../agents/forms.ts'
import { type Mesh, type Told, UnknownAgent } from '../../agents/mesh.ts'
import type { Log } from '../../log.ts'
import { bodyTooLarge } from '../body.ts'
import { replyToError } from '../fault.ts'
import { type Admitted, pathOf } from '../guard.ts'
import type { Front } from '../hot.ts'
import { linger } from '../linger.ts'
import { Problem } from '../problem.ts'
import { everywhere, send } from '../reply.ts'
import { type ApiContext, respond } from '../respond.ts'
import { bodyOf, callerOf, decoded, mostBytes } from './asked.ts'
import { meshProblem } from './problems.ts'

const posts = new Set(['/heartbeat', '/agents/heartbeat', '/api/v1/heartbeat', '/api/v1/agents/heartbeat'])
const head = /^(?:\/api\/v1)?\/heartbeat\/([^/?]+)$/

/**
 * Heartbeats: what a mesh of thousands asks most. They are answered before the router, and a bare one without a promise.
 *
 * `HEAD /heartbeat/{id}` renews the lease too: 200, 202 where the agent's dependencies have changed since it was told,
 * 410 where it should register again, 503 where it should come back.
 */
export function createHeartbeats({ mesh, log }: { mesh: Mesh; log: Pick<Log, 'error'> }) {
  function take(value: unknown, caller: Caller): Told | Promise<Told> {
    const beat = parseBeat(value)
    if (beat.registration || beat.sent.metadata?.['endpoint'] !== undefined) return mesh.beat(beat, caller)
    return mesh.tell(mesh.beatNow(beat.agent_id, beat.sent, caller))
  }

  const front: Front = (request, response, admitted) => {
    const { method, url = '' } = request
    if (method === 'POST' && posts.has(url)) {
      receive(request, response, admitted)
      return true
    }
    const id = method === 'HEAD' ? head.exec(url)?.[1] : undefined
    if (id === undefined) return false
    renew(request, response, { id: decoded(id), admitted })
    return true
  }

  /** Reads the body by its events: an async iterator would cost a third of the speed. */
  function receive(request: IncomingMessage, response: ServerResponse, admitted: Admitted): void {
    const chunks: Buffer[] = []
    let length = 0
    const collect = (chunk: Buffer) => {
      length += chunk.length
      if (length <= mostBytes) {
        chunks.push(chunk)
        return
      }
      request.off('data', collect)
      request.off('end', finish)
      linger(request)
      fail(request, response, { error: bodyTooLarge(mostBytes), admitted })
    }
    const finish = () => {
      try {
        const told = take(parsed(chunks), admitted.principal)
        if (!(told instanceof Promise)) return succeed(response, told, admitted)
        told
          .then((later) => succeed(response, later, admitted))
          .catch((error: unknown) => fail(request, response, { error, admitted }))
      } catch (error) {
        fail(request, response, { error, admitted })
      }
    }
    request.on('data', collect)
    request.on('end', finish)
    // Whoever stops half-way is gone; there is nobody to tell.
    request.on('error', () => {})
  }

  function fail(
    request: IncomingMessage,
    response: ServerResponse,
    { error, admitted }: { error: unknown; admitted: Admitted },
  ): void {
    send(request, response, replyToError(meshProblem(error, mesh), { log, path: pathOf(request) }), admitted.cors)
  }

  function renew(
    request: IncomingMessage,
    response: ServerResponse,
    { id, admitted }: { id: string; admitted: Admitted },
  ): void {
    try {
      const agent = mesh.renew(id, admitted.principal)
      response.writeHead(mesh.hasNews(agent) ? 202 : 200, { ...fresh, ...admitted.cors })
      response.end()
    } catch (error) {
      const told = error instanceof UnknownAgent ? new Problem(410, `${error.message}: register again`) : error
      fail(request, response, { error: told, admitted })
    }
  }

  return {
    front,
    /** The same for whoever comes by the router. */
    route: async (c: ApiContext): Promise<Response> => {
      const told = await take(await bodyOf(c), callerOf(c))
      const body = Buffer.from(textOf(told))
      return respond(c, { status: 200, headers: { ...headers, 'content-length': String(body.length) }, body })
    },
  }
}

const fresh = { ...everywhere, 'cache-control': 'no-store', vary: 'Origin' }
const headers = { 'content-type': 'application/json', ...fresh }

function succeed(response: ServerResponse, told: Told, { cors }: Admitted): void {
  const text = textOf(told)
  const all = { ...headers, 'content-length': Buffer.byteLength(text), ...cors }
  response.writeHead(200, all)
  response.end(text)
}

/** Put together by hand: this is made for every heartbeat. */
function textOf({ agent, dependencies }: Told): string {
  const { id, stored } = agent
  const rest = dependencies ? `,"dependencies_resolved":${JSON.stringify(dependencies)}` : ''
  return (
    `{"status":"success","agent_id":${JSON.stringify(id)},"resource_version":"${stored.resource_version}",` +
    `"timestamp":"${new Date().toISOString()}","message":"Heartbeat recorded"${rest}}`
  )
}

function parsed(chunks: readonly Buffer[]): unknown {
  const [only] = chunks
  const text = chunks.length === 1 && only ? only.toString() : Buffer.concat(chunks).toString()
  if (text.trim() === '') throw new Problem(400, 'The body is empty; send JSON.')
  try {
    return JSON.parse(text) as unknown
  } catch {
    // The parser's own words may quote the body.
    throw new Problem(400, 'The body is no JSON.')
  }
}
