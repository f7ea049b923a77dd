import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Context, Hono } from 'hono'
import type { Principal } from '../../model/principal.ts'
import type { CorsHeaders } from './access/cors.ts'

/** What the pipeline hands to the routes in `c.env`. */
export type Bindings = {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly principal: Principal
  /** Headers that let a page of another origin read the response. */
  readonly cors: CorsHeaders | undefined
}

export type Api = Hono<{ Bindings: Bindings }>
export type ApiContext = Context<{ Bindings: Bindings }>
export type ApiResponse = Response | Promise<Response>
export type ApiHandler = (c: ApiContext) => ApiResponse

/** An empty set of routes; a trailing slash in a path makes no difference. */
export function createRoutes(options: { readonly getPath?: (request: Request) => string } = {}): Api {
  const { getPath } = options
  return new Hono<{ Bindings: Bindings }>(getPath ? { getPath } : { strict: false })
}
