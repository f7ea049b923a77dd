import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Principal, retainsRights } from '../../model/principal.ts'

type OpenResponse = { readonly request: IncomingMessage; readonly principal: Principal }

/** The responses that are not finished: watches, long polls, MCP subscriptions, long lists. */
export function createOpenResponses() {
  const open = new Map<ServerResponse, OpenResponse>()

  /** Holds a response until it closes; `remove` is called then. */
  function add(response: ServerResponse, { request, principal }: OpenResponse): void {
    open.set(response, { request, principal })
  }

  /**
   * Cuts the responses whose caller has lost a right since the request. Its next request is told why.
   *
   * A write that has not been answered yet goes on: it was permitted when it came.
   */
  function endRevoked(authenticate: (authorization: string | undefined) => Principal | undefined): void {
    for (const [response, { request, principal }] of open) {
      if (isWriteUnderWay(response, request)) continue
      const now = authenticate(request.headers.authorization)
      if (!now || !retainsRights(principal, now)) response.destroy()
    }
  }

  /** A stream of events that answers a POST has sent its headers; a long poll is a GET. */
  function isWriteUnderWay({ headersSent }: ServerResponse, { method }: IncomingMessage): boolean {
    return !headersSent && method !== 'GET'
  }

  return { add, remove: (response: ServerResponse) => void open.delete(response), endRevoked }
}
