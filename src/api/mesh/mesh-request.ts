import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { percentDecode } from '../../model/data/percent-encoding.ts'
import { readJson } from '../http/body.ts'
import type { ApiContext, ApiHandler } from '../http/context.ts'
import { queryText } from '../http/parameters.ts'
import { preconditionOf, type HeaderOf } from '../http/preconditions.ts'
import { Problem } from '../http/problem.ts'
import { meshProblem } from './problems.ts'

/** Maximum size of a body that registers an agent, sends a heartbeat or calls a tool: an agent of many tools sends all their schemas. */
export const maxBodyBytes = 2_097_152

/** Reads the JSON body of a request, which must not be empty. */
export async function readMeshBody(c: ApiContext): Promise<unknown> {
  return requireBody(await readJson(c, maxBodyBytes))
}

export function requireBody(body: unknown): unknown {
  if (body === undefined) throw new Problem('body_empty', 'The request body is empty; send JSON.')
  return body
}

/** The agent that the last segment of the path names, or the one before `suffix`, URL-decoded. */
export function agentIdIn({ env: { incoming } }: ApiContext, suffix = ''): string {
  const whole = (incoming.url ?? '').replace(/\?.*$/s, '').replace(/\/$/, '')
  const path = whole.endsWith(suffix) ? whole.slice(0, whole.length - suffix.length) : whole
  const segment = path.slice(path.lastIndexOf('/') + 1)
  return percentDecode(segment) ?? segment
}

/** The parameters of the query. */
export function parametersOf({ env: { incoming } }: ApiContext): URLSearchParams {
  return new URLSearchParams(queryText(incoming.url ?? ''))
}

/** The version that `If-Match` expects of an agent; undefined where any will do. */
export async function expectedVersion(
  header: HeaderOf,
  mesh: Pick<MeshOperations, 'storedVersion'>,
  id: unknown,
): Promise<string | undefined> {
  if (header('if-match') === undefined) return undefined
  const current = await mesh.storedVersion(id)
  const expected = preconditionOf(header, {}, current)
  // `*` asks for any version of an existing agent: no version is called "*".
  if (expected === 'some') return current === undefined ? '*' : undefined
  return typeof expected === 'object' ? expected.version : undefined
}

export function headersOf(c: ApiContext): HeaderOf {
  return (name) => c.req.header(name)
}

/** A route of the mesh: its errors become problems. */
export function meshRoute(mesh: Pick<MeshOperations, 'current'>, answer: ApiHandler): ApiHandler {
  return async (c) => {
    try {
      return await answer(c)
    } catch (error) {
      throw meshProblem(error, mesh)
    }
  }
}
