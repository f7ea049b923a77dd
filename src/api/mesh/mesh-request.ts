import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { unauthenticated, type Principal } from '../../model/principal.ts'
import { readJson } from '../http/body.ts'
import { expectedIn, type HeaderOf } from '../http/preconditions.ts'
import { Problem } from '../http/problem.ts'
import { jsonReply } from '../http/reply.ts'
import { type ApiContext, respond } from '../http/respond.ts'
import { meshProblem } from './problems.ts'

/** Longest body of a mesh route. */
export const mostBytes = 262_144

export function callerOf(c: ApiContext): Principal {
  return c.env.principal ?? unauthenticated
}

/** The JSON of a request's body; an empty one is a problem of its own. */
export async function meshBody(c: ApiContext): Promise<unknown> {
  return notEmpty(await readJson(c, mostBytes))
}

export function notEmpty(body: unknown): unknown {
  if (body === undefined) throw new Problem('body_empty', 'The body is empty; send JSON.')
  return body
}

/** The agent that the last part of the path names, URL-decoded. */
export function agentIdIn(c: ApiContext): string {
  const { pathname } = new URL(c.req.url)
  return decoded(pathname.replace(/\/$/, '').replace(/^.*\//, ''))
}

export function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // Text that is no percent-encoding names nobody.
    return part
  }
}

/** The version that `If-Match` says of an agent, which has the `current` one; undefined where it asks for none. */
export function versionIn(header: HeaderOf, current: string | undefined): string | undefined {
  const expected = expectedIn(header, {}, current)
  // Any version will do, but there must be one: nothing has the version "*".
  if (expected === 'some') return current === undefined ? '*' : undefined
  return typeof expected === 'object' ? expected.version : undefined
}

export function headersOf(c: ApiContext): HeaderOf {
  return (name) => c.req.header(name)
}

/** Answers JSON that is made anew each time, with headers of its own. */
export function respondWith(
  c: ApiContext,
  value: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> },
): Promise<Response> {
  const body = Buffer.from(JSON.stringify(value))
  return respond(c, { ...jsonReply(body, { headers: { 'cache-control': 'no-store', ...headers } }), status })
}

/** A route of the mesh: what the mesh refuses becomes a problem. */
export function meshRoute(mesh: Pick<MeshOperations, 'current'>, answer: (c: ApiContext) => Promise<Response>) {
  return async (c: ApiContext): Promise<Response> => {
    try {
      return await answer(c)
    } catch (error) {
      throw meshProblem(error, mesh)
    }
  }
}
