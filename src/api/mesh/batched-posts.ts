import type { IncomingMessage, ServerResponse } from 'node:http'
import type { MeshOperations, RegistrationResult } from '../../agents/mesh-operations.ts'
import { cachedTimestamp } from '../../flow/cached-timestamp.ts'
import { createTickBatcher } from '../../flow/tick-batcher.ts'
import type { Log } from '../../log.ts'
import type { Principal } from '../../model/principal.ts'
import { type Admitted, pathOf } from '../http/access/guard.ts'
import { bodyTooLarge, hasBody, jsonIn } from '../http/body.ts'
import { replyToError } from '../http/error-reply.ts'
import { closeLingering } from '../http/listening/lingering-close.ts'
import type { HeaderOf } from '../http/preconditions.ts'
import { baseHeaders, send } from '../http/reply.ts'
import { type ApiContext, respond } from '../http/respond.ts'
import type { Front } from '../servers/fast-path.ts'
import { meshBody, callerOf, headersOf, mostBytes, notEmpty } from './mesh-request.ts'
import { meshProblem } from './problems.ts'

/** What somebody posted: JSON, who it was, and what else the request says. */
export type Posted = { readonly body: unknown; readonly caller: Principal; readonly header: HeaderOf }

export type PostReply = {
  readonly text: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** What becomes of something posted; at once where nothing has to be waited for. */
export type Post = (posted: Posted) => PostReply | Promise<PostReply>

/** By path: what agents post a thousand times a second. */
export type Posts = Readonly<Record<string, Post>>

/**
 * Answers posts before the router, and a ready one without a promise.
 *
 * What came in one turn of the event loop is worked on at its end, and answered after that: whoever waits on this machine
 * is then woken once by many answers, not by each, which would cost more than all the rest of a heartbeat.
 */
export function createPosts({
  posts,
  mesh,
  log,
}: {
  posts: Posts
  mesh: Pick<MeshOperations, 'current'>
  log: Pick<Log, 'error'>
}) {
  const byPath = new Map(
    Object.entries(posts).flatMap(([path, post]) => [
      [path, post],
      [`/api/v1${path}`, post],
    ]),
  )
  const turns = createTickBatcher()

  const front: Front = (request, response, admitted) => {
    const post = request.method === 'POST' ? byPath.get(request.url ?? '') : undefined
    if (!post) return false
    const { principal: caller, cors } = admitted
    const fail = (error: unknown) =>
      send(request, response, replyToError(meshProblem(error, mesh), { log, path: pathOf(request) }), cors)
    const succeed = (answer: PostReply) => turns.add(() => write(response, answer, admitted))
    const take = (bytes: Buffer) => {
      try {
        const answer = post({ body: notEmpty(jsonIn(bytes)), caller, header: headerOf(request) })
        if (answer instanceof Promise) answer.then(succeed, fail)
        else succeed(answer)
      } catch (error) {
        fail(error)
      }
    }
    receive(request, { take: (bytes) => turns.add(() => take(bytes)), fail })
    return true
  }

  return {
    front,
    /** The same for whoever comes by the router. */
    route:
      (post: Post) =>
      async (c: ApiContext): Promise<Response> => {
        const {
          text,
          status = 200,
          headers,
        } = await post({ body: await meshBody(c), caller: callerOf(c), header: headersOf(c) })
        const body = Buffer.from(text)
        return respond(c, { status, headers: { ...fresh, 'content-length': String(body.length), ...headers }, body })
      },
  }
}

const fresh = {
  'content-type': 'application/json',
  ...baseHeaders,
  'cache-control': 'no-store',
  vary: 'Origin',
} as const

function write(response: ServerResponse, { status = 200, headers, text }: PostReply, { cors }: Admitted): void {
  response.writeHead(status, { ...fresh, 'content-length': Buffer.byteLength(text), ...headers, ...cors })
  response.end(text)
}

const nothing = Buffer.alloc(0)

/** Reads the body by its events: an async iterator would cost a third of the speed. */
function receive(
  request: IncomingMessage,
  { take, fail }: { take: (bytes: Buffer) => void; fail: (error: unknown) => void },
): void {
  if (!hasBody(request)) return take(nothing)
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
    closeLingering(request)
    fail(bodyTooLarge(mostBytes))
  }
  const finish = () => take(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
  request.on('data', collect)
  request.on('end', finish)
  // Whoever stops half-way is gone; there is nobody to tell.
  request.on('error', () => {})
}

function headerOf({ headers }: IncomingMessage): HeaderOf {
  return (name) => {
    const said = headers[name]
    return Array.isArray(said) ? said.join(', ') : said
  }
}

/** What whoever registers or beats is told; put together by hand, since it is made for every heartbeat. */
export function toldText({ agent, dependencies }: RegistrationResult, message: string): string {
  const { id, stored } = agent
  const rest = dependencies ? `,"dependencies_resolved":${JSON.stringify(dependencies)}` : ''
  return (
    `{"status":"success","agent_id":${JSON.stringify(id)},"resource_version":"${stored.resource_version}",` +
    `"timestamp":"${cachedTimestamp()}","message":"${message}"${rest}}`
  )
}
