import { setImmediate } from 'node:timers/promises'
import { isJsonObject } from '../../model/data/json-object.ts'
import { requireRole } from '../http/access/authenticator.ts'
import { readJson } from '../http/body.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { baseHeaders, toResponse } from '../http/reply.ts'
import type { ApiPorts } from '../ports.ts'

/** Maximum body of an MCP request. */
const maxBodyBytes = 1_048_576

/** Maximum messages of a batch. Each may call a tool. */
const maxBatch = 20

/** Maximum characters of a string id. Every event of a subscription repeats it. */
const maxIdLength = 256

/** Maximum characters of all URIs of a subscription, which are kept as long as it is open. */
const maxSubscribedLength = 16_384

/** The registry as an MCP server, for every reader. Its tools check the rights that they need beyond that. */
export function mcpApi({ mcp, watch }: Pick<ApiPorts, 'mcp' | 'watch'>) {
  const api = createRoutes()
  let lastTurn: Promise<unknown> = Promise.resolve()

  /** Starts one request a turn of the event loop: a long list takes tens of milliseconds in the library, at a stretch. */
  function turn(): Promise<unknown> {
    lastTurn = lastTurn.then(() => setImmediate())
    return lastTurn
  }

  api.post('/mcp', async (c) => {
    const { principal } = c.env
    requireRole(principal, 'reader')
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
      throw new Problem('unsupported_media_type', 'The MCP endpoint takes JSON: send Content-Type: application/json.')
    const body = await readJson(c, maxBodyBytes)
    if (body === undefined) throw new Problem('body_empty', 'The request body is empty; send a JSON-RPC message.')
    assertAcceptable(body)
    const { method, url, raw } = c.req
    const request = new Request(url, { method, headers: raw.headers, signal: raw.signal })
    const isSubscription = methodOf(body) === 'subscriptions/listen'
    if (isSubscription) watch.admit(c)
    await turn()
    const response = await mcp.handle(request, body, principal)
    return isSubscription ? watch.relay(c, response) : respondWhole(c, response)
  })

  return api
}

/**
 * Answers with the bytes of a response that is finite. What the library holds for a request is freed before the client has
 * read them: a batch takes 13 MB, its answer one or two.
 */
async function respondWhole({ env: { cors } }: ApiContext, response: Response): Promise<Response> {
  const body = Buffer.from(await response.arrayBuffer())
  const complete = {
    ...Object.fromEntries(response.headers),
    ...baseHeaders,
    vary: 'Origin',
    'content-length': String(body.length),
  }
  return toResponse({ status: response.status, headers: complete, body }, cors)
}

/** Throws a problem for a message, or a batch, that makes the registry hold or answer much more than it sends. */
function assertAcceptable(body: unknown): void {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body]
  if (messages.length > maxBatch)
    throw rejected(`the batch has ${messages.length} messages; send at most ${maxBatch} in one`)
  for (const message of messages) {
    const { id, params } = isJsonObject(message) ? message : {}
    if (typeof id === 'string' && id.length > maxIdLength)
      throw rejected(`its id is longer than ${maxIdLength} characters`)
    if (methodOf(message) === 'subscriptions/listen' && subscribedLength(params) > maxSubscribedLength)
      throw rejected(
        `its resourceSubscriptions are longer than ${maxSubscribedLength} characters together; open several, or subscribe to resourcesListChanged`,
      )
  }
}

function methodOf(message: unknown): unknown {
  return isJsonObject(message) ? message['method'] : undefined
}

function subscribedLength(params: unknown): number {
  const notifications = isJsonObject(params) ? params['notifications'] : undefined
  const uris = isJsonObject(notifications) ? notifications['resourceSubscriptions'] : undefined
  if (!Array.isArray(uris)) return 0
  return uris.reduce<number>((sum, uri) => sum + (typeof uri === 'string' ? uri.length : 0), uris.length)
}

function rejected(why: string): Problem {
  return new Problem('mcp_message_rejected', `The MCP message was rejected: ${why}.`)
}
