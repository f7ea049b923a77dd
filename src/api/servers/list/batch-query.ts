import type { ServerResponse } from 'node:http'
import { runCooperatively, runToCompletion } from '../../../flow/cooperative.ts'
import type { Principal } from '../../../model/principal.ts'
import { canonicalQuery, type ServerQuery } from '../../../model/query/query.ts'
import type { SelectedServers } from '../../../registry/index/server-index.ts'
import { readJson } from '../../http/body.ts'
import { type ApiContext, createRoutes } from '../../http/context.ts'
import { Problem, problemBody, problemFrom } from '../../http/problem.ts'
import { jsonReply } from '../../http/reply.ts'
import { respondedRaw } from '../../http/respond.ts'
import type { BodyPiece } from '../../http/sending/response-budget.ts'
import { writePieces } from '../../http/sending/streamed-body.ts'
import type { ApiPorts } from '../../ports.ts'
import { visibleTo } from '../visible-servers.ts'
import { parseBatchRequest } from './batch-request.ts'
import { encoderFor } from './list-encoding.ts'
import { createListRequestParser, type ListRequest } from './list-query.ts'
import { piecesOf } from './streamed-list.ts'

const maxBodyBytes = 256 * 1024
/** Maximum servers in all results of a request together: an unread response holds a reference to each. */
const maxServers = 100_000
/** Once the results are longer than this together, no further one is sent: a query costs a client few bytes. */
const maxResultBytes = 32 * 1024 * 1024
/** Attempts to select everything in one revision while other requests run in between. */
const maxPatientAttempts = 3

type Selected = { readonly query: ServerQuery; readonly selection: SelectedServers }
type Result = Selected | Problem
/** Results of one revision, in the order of their queries. */
type Batch = { readonly results: readonly Result[]; readonly token: string }

/** `POST /query`: several lists of servers, all of them as of one revision. Each result is the body of its list, or its own problem. */
export function batchQueryApi({
  registry,
  supervisor,
  monitor,
  log,
}: Pick<ApiPorts, 'registry' | 'supervisor' | 'monitor' | 'log'>) {
  const api = createRoutes()
  const parse = createListRequestParser()

  /** Selects between other requests; in one go where the registry changes too often for that. */
  async function selectAll(queries: readonly (ServerQuery | Problem)[]): Promise<Batch> {
    for (let attempt = 1; ; attempt += 1) {
      const work = selectionOf(queries)
      const batch = attempt <= maxPatientAttempts ? await runCooperatively(work) : runToCompletion(work)
      if (batch) return batch
    }
  }

  /** The results of all queries; undefined once the revision has changed. */
  function* selectionOf(queries: readonly (ServerQuery | Problem)[]): Generator<void, Batch | undefined> {
    const token = registry.token()
    const selected = new Map<string, SelectedServers>()
    const results: Result[] = []
    let servers = 0
    for (const query of queries) {
      yield
      if (registry.token() !== token) return undefined
      const result = query instanceof Problem ? query : select(query, selected)
      const count = result instanceof Problem ? 0 : result.selection.page.length
      const hasRoom = servers + count <= maxServers
      if (hasRoom) servers += count
      results.push(hasRoom ? result : tooManyServers())
    }
    return registry.token() === token ? { results, token } : undefined
  }

  function select(query: ServerQuery, selected: Map<string, SelectedServers>): Selected {
    const key = canonicalQuery(query)
    const selection = selected.get(key) ?? registry.select(query)
    selected.set(key, selection)
    return { query, selection }
  }

  async function respondToQueries(c: ApiContext): Promise<Response> {
    const { principal, outgoing, cors } = c.env
    const texts = parseBatchRequest(await readJson(c, maxBodyBytes))
    const queries = texts.map((text) => (text instanceof Problem ? text : queryOf(parse(text), principal)))
    const batch = await selectAll(queries)
    const { 'content-length': _unknown, ...headers } = jsonReply(noBytes, { headers: uncached }).headers
    outgoing.writeHead(200, { ...headers, ...cors })
    write(outgoing, batch).catch((error: unknown) => log.error({ err: error }, 'query results could not be sent'))
    return respondedRaw
  }

  async function write(outgoing: ServerResponse, { results, token }: Batch): Promise<void> {
    const syncing = supervisor.syncing()
    async function* pieces(): AsyncGenerator<BodyPiece> {
      const members = { resource_version: token, count: results.length, ...(syncing.length > 0 && { syncing }) }
      let sent = 0
      let separator = `${JSON.stringify(members).slice(0, -1)},"results":[`
      for (const selected of results) {
        const result = sent > maxResultBytes ? resultsTooLarge() : selected
        if (result instanceof Problem) yield pieceOf(`${separator}{"problem":${problemBody(result)}}`)
        else {
          yield pieceOf(separator)
          const { query, selection } = result
          for await (const piece of piecesOf({ selection, token, syncing }, encoderFor(query, monitor.volatile))) {
            sent += piece.bytes.length
            yield piece
          }
        }
        separator = ','
      }
      yield pieceOf(']}')
    }
    await writePieces(outgoing, pieces())
  }

  api.post('/query', (c) => respondToQueries(c))
  return api
}

const pieceOf = (text: string): BodyPiece => ({ bytes: Buffer.from(text), isOwned: true })
const noBytes = Buffer.alloc(0)
const uncached = { 'cache-control': 'no-store' }

function queryOf(request: ListRequest, principal: Principal): ServerQuery | Problem {
  if (request.type === 'invalid') return request.problem
  if (request.type === 'other')
    return new Problem('invalid_parameter', 'watch, index, wait, resource_version and secrets do not apply to /query.')
  try {
    return visibleTo(principal, request.query)
  } catch (error) {
    return problemFrom(error)
  }
}

function resultsTooLarge(): Problem {
  return new Problem(
    'results_too_large',
    `The results before this one are more than ${maxResultBytes} bytes together; send fewer queries, or pages with limit.`,
  )
}

function tooManyServers(): Problem {
  return new Problem(
    'results_too_large',
    `The results of this request are more than ${maxServers} servers together; send fewer queries, or pages with limit.`,
  )
}
