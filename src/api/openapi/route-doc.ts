import type * as z from 'zod'

/** A query parameter with a meaning of its own at one route; a string where it has no schema. */
export type QueryDoc = {
  readonly name: string
  readonly description: string
  readonly schema?: Record<string, unknown>
}

/** One route in the OpenAPI document. */
export type RouteDoc = {
  readonly summary: string
  readonly group: 'servers' | 'agents' | 'clients' | 'sources' | 'operations'
  /** The schema of a JSON response, or another media type. */
  readonly response:
    | z.ZodType
    | 'text/plain'
    | 'text/html'
    | 'application/json'
    | 'application/ai-catalog+json'
    | 'text/event-stream'
  /** The schema of the request body. */
  readonly body?: z.ZodType
  /** Whether the body may be missing. */
  readonly isBodyOptional?: true
  /** Media type of errors, where it is not that of problems. */
  readonly errorType?: 'application/json'
  /** Names of parameters, `filter` for all that select servers; or all parameters of a list, a watch or a filter. */
  readonly query?: readonly (string | QueryDoc)[] | 'list' | 'watch' | 'filter'
  /** Statuses besides 200 with the same response. */
  readonly sameResponse?: Readonly<Record<number, string>>
  /** Statuses with a problem, or without a body. */
  readonly statuses?: Readonly<Record<number, string>>
  /** The role that the token needs. */
  readonly role?: 'registrar' | 'admin'
  /** The right that the token needs, whatever its role. */
  readonly right?: 'call'
  /** The route of the application that answers it, where that has another method or path; without `/api/v1`. */
  readonly routedBy?: string
  readonly deprecated?: true
}

// Statuses that several routes answer.

export const queryStatuses = {
  304: 'Not modified since the given ETag.',
  400: 'Invalid parameter; `parameter` names it.',
}
export const storeStatuses = { 503: 'Store unavailable; retry after `Retry-After`.' }
export const notReady = { 503: 'Sources not read since the start; retry after `Retry-After`.' }
