import type { ServerResponse } from 'node:http'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { createDeadline, type Deadline } from '../../flow/deadline.ts'
import type { Log } from '../../log.ts'
import type { Principal } from '../../model/principal.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { CallsConfig } from '../config/calls.ts'
import { parseJson, receiveBytes } from '../http/body.ts'
import type { ApiContext } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { uncachedHeaders } from '../http/reply.ts'
import { respondedRaw } from '../http/respond.ts'
import { meshProblem } from '../mesh/problems.ts'
import { budgetOf } from './call-budget.ts'
import { openCall, returnedHeaders } from './call-exchange.ts'
import { createCallQuota } from './call-quota.ts'
import { type CallRecord, createCallRecord } from './call-record.ts'
import { findCallTarget, parseRequestedTarget } from './call-target.ts'
import { assertBelowLimit, relayBody } from './relay.ts'

export type Calls = ReturnType<typeof createCalls>

/**
 * Forwards calls of tools to registered agents.
 *
 * The caller chooses among registered endpoints, and sends one JSON-RPC message: it can reach no other host, path or method.
 * `close` aborts all calls in flight.
 */
export function createCalls({
  config,
  http,
  mesh,
  log,
}: {
  config: () => CallsConfig
  http: Pick<HttpClient, 'stream'>
  mesh: Pick<MeshOperations, 'withEndpoint' | 'current'>
  log: Pick<Log, 'info'>
}) {
  const quota = createCallQuota({ limits: config })
  const inFlight = new Set<AbortController>()

  /** Answers `POST /proxy/{host}:{port}/{path}`. */
  async function handle(c: ApiContext): Promise<Response> {
    const { principal, outgoing } = c.env
    const record = createCallRecord({ principal, log })
    try {
      assertMayCall(principal, config())
      await forward(c, record)
      record.forwarded()
      return respondedRaw
    } catch (error) {
      const problem = meshProblem(error, mesh)
      record.failed(problem, { isCallerGone: outgoing.destroyed })
      throw problem
    }
  }

  async function forward(c: ApiContext, record: CallRecord): Promise<void> {
    const { incoming, principal } = c.env
    const requested = parseRequestedTarget(incoming.url ?? '')
    const body = await readMessage(c, config().max_request_bytes, record)
    const { agent, url } = findCallTarget(requested, { mesh, principal })
    record.add({ agent: agent.id, url })
    const budgetSeconds = budgetOf(incoming, config())
    await run(c, budgetSeconds, (deadline) => exchange(c, { url, body, record, budgetSeconds, deadline }))
  }

  /** Runs a call within the limits of calls in flight and its time; it ends with its client, too. */
  async function run<T>(
    { env: { principal, outgoing } }: ApiContext,
    budgetSeconds: number,
    work: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    return quota.run(principal, async () => {
      using abort = abortWith(outgoing)
      using deadline = createDeadline(budgetSeconds * 1000, abort.signal)
      return await work(deadline)
    })
  }

  async function exchange(
    { env: { incoming, outgoing, cors } }: ApiContext,
    {
      url,
      body,
      record,
      budgetSeconds,
      deadline,
    }: { url: string; body: Buffer; record: CallRecord; budgetSeconds: number; deadline: Deadline },
  ): Promise<void> {
    const { headers } = incoming
    const { allow, max_response_bytes: maxBytes } = config()
    const response = await openCall(url, { headers, body, http, allow, deadline })
    try {
      record.add({ status: response.status })
      assertBelowLimit(response, maxBytes)
      outgoing.writeHead(response.status, { ...returnedHeaders(response), ...relayedHeaders, ...cors })
      outgoing.flushHeaders()
      const { bytes, end } = await relayBody(response, outgoing, { maxBytes, budgetSeconds, deadline })
      record.add({ response_bytes: bytes, end })
    } finally {
      response.close()
    }
  }

  /** A signal that aborts once the client closes the connection, or the registry stops. */
  function abortWith(outgoing: ServerResponse) {
    const call = new AbortController()
    const abort = () => call.abort()
    inFlight.add(call)
    outgoing.on('error', abort)
    outgoing.on('close', abort)
    if (outgoing.destroyed) abort() // closed while its request was read
    return { signal: call.signal, [Symbol.dispose]: () => void inFlight.delete(call) }
  }

  function close(): void {
    for (const call of inFlight) call.abort()
  }

  return { handle, run, close }
}

/** An agent's response is data: a browser must neither run it nor store it. */
const relayedHeaders = {
  ...uncachedHeaders,
  'content-security-policy': "default-src 'none'; sandbox",
  'x-accel-buffering': 'no',
} as const

function assertMayCall({ anonymous, call }: Principal, { enabled }: CallsConfig): void {
  if (!enabled) throw new Problem('calls_disabled', 'This registry forwards no calls; calls.enabled is false.')
  if (anonymous)
    throw new Problem(
      'authentication_required',
      'Calls need a bearer token with the right "call" (auth.tokens[].call); meshctl call sends one by -H.',
      {
        headers: { 'www-authenticate': 'Bearer realm="mcp-roster"' },
        more: { right_needed: 'call' },
      },
    )
  if (call) return
  throw new Problem('right_required', 'Calls are forwarded only for a token that has the right "call".', {
    more: { right_needed: 'call' },
  })
}

async function readMessage(c: ApiContext, maxBytes: number, record: CallRecord): Promise<Buffer> {
  if (!/^application\/json\s*(?:;|$)/i.test(c.env.incoming.headers['content-type'] ?? ''))
    throw new Problem('unsupported_media_type', 'A call is a JSON-RPC message: send Content-Type: application/json.')
  const body = await receiveBytes(c, maxBytes)
  const message = parseJson(body)
  record.addMessage(message, body.length)
  if (message !== undefined) return body
  throw new Problem('body_empty', 'The request body is empty; send a JSON-RPC message.')
}
