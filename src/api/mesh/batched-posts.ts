import type { IncomingMessage } from 'node:http'
import { type MeshOperations, type RegistrationResult, resultMembers } from '../../agents/mesh-operations.ts'
import { cachedTimestamp } from '../../flow/clock.ts'
import type { Principal } from '../../model/principal.ts'
import { requireRole } from '../http/access/authenticator.ts'
import { receiveBody, takeJson } from '../http/body.ts'
import type { ApiHandler } from '../http/context.ts'
import type { HeaderOf } from '../http/preconditions.ts'
import { respondText } from '../http/respond.ts'
import { maxBodyBytes, requireBody } from './mesh-request.ts'
import { meshProblem } from './problems.ts'

/** What an agent posted: its JSON, its principal and its headers. */
export type PostRequest = { readonly body: unknown; readonly principal: Principal; readonly header: HeaderOf }

export type PostReply = {
  readonly text: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Handles a post; a promise only where it has to wait for the store. */
export type PostHandler = (request: PostRequest) => PostReply | Promise<PostReply>

/** By path: what agents post thousands of times a second. */
export type PostHandlers = Readonly<Record<string, PostHandler>>

const jsonHeaders = { 'content-type': 'application/json' } as const

/**
 * Makes routes of handlers. Posts that arrive in one turn of the event loop are handled at its end, and answered together.
 *
 * A client on the same machine is then woken once by many responses instead of once by each, which would cost more than
 * the heartbeat itself.
 */
export function createBatchedPosts(mesh: Pick<MeshOperations, 'current'>): (handle: PostHandler) => ApiHandler {
  const batcher = createTickBatcher()

  return (handle) => (c) =>
    new Promise((resolve, reject) => {
      const { incoming, principal } = c.env
      // Before the body is read: it is not waited for where nothing may come of it.
      requireRole(principal, 'registrar')
      const fail = (error: unknown) => reject(meshProblem(error, mesh))
      const succeed = ({ text, status = 200, headers }: PostReply) =>
        batcher.add(() => resolve(respondText(c, text, { status, headers: { ...jsonHeaders, ...headers } })))
      const process = (bytes: Buffer) => {
        try {
          const reply = handle({ body: requireBody(takeJson(bytes)), principal, header: headerOf(incoming) })
          if (reply instanceof Promise) reply.then(succeed, fail)
          else succeed(reply)
        } catch (error) {
          fail(error)
        }
      }
      receiveBody(incoming, maxBodyBytes, { done: (bytes) => batcher.add(() => process(bytes)), fail })
    })
}

function headerOf({ headers }: IncomingMessage): HeaderOf {
  return (name) => {
    const value = headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
}

/** The JSON of a registration or heartbeat. Concatenated, since it is made for every heartbeat. */
export function resultText(result: RegistrationResult, message: string): string {
  const { id, stored } = result.agent
  const members = JSON.stringify(resultMembers(result)).slice(1, -1)
  const rest = members === '' ? '' : `,${members}`
  return (
    `{"status":"success","agent_id":${JSON.stringify(id)},"resource_version":"${stored.resource_version}",` +
    `"timestamp":"${cachedTimestamp()}","message":"${message}"${rest}}`
  )
}

/** Runs bursts of work in order, in slices of `sliceMs` per turn of the event loop, so that other work gets its turn. */
export function createTickBatcher({ sliceMs = 1 }: { sliceMs?: number } = {}) {
  let waiting: (() => void)[] = []
  let next = 0

  function add(work: () => void): void {
    if (waiting.push(work) === 1) setImmediate(run)
  }

  function run(): void {
    const until = performance.now() + sliceMs
    for (let work = waiting[next]; work; work = waiting[next]) {
      next += 1
      work()
      if (performance.now() > until) break
    }
    if (next < waiting.length) return void setImmediate(run)
    waiting = []
    next = 0
  }

  return { add }
}
