import { hash } from 'node:crypto'
import { canonicalFilter, type ServerQuery } from './query.ts'

/** The end of a page: the id of its last server, and its sort key (for a search, its relevance). */
export type PageCursor = { readonly key: string | number; readonly id: string }

/** The token of the page after `position`, valid for this filter and order only. */
export function encodeCursor(query: ServerQuery, position: PageCursor): string {
  return Buffer.from(JSON.stringify([bindingOf(query), position.key, position.id])).toString('base64url')
}

/** The position of a query's `continue` token, or why the token is invalid. */
export function parseCursor(query: ServerQuery): PageCursor | { readonly problem: string } | undefined {
  if (query.continue === undefined) return undefined
  const malformed = { problem: 'invalid token; omit it to start from the first page' }
  try {
    const token: unknown = JSON.parse(Buffer.from(query.continue, 'base64url').toString())
    if (!Array.isArray(token) || token.length !== 3) return malformed
    const [binding, key, id] = token as unknown[]
    if (typeof id !== 'string' || (typeof key !== 'string' && typeof key !== 'number')) return malformed
    if (binding !== bindingOf(query))
      return { problem: 'token of a query with another filter or order; omit it to start from the first page' }
    return { key, id }
  } catch {
    return malformed
  }
}

function bindingOf(query: ServerQuery): string {
  return hash('sha1', `${query.sort ?? ''} ${canonicalFilter(query)}`, 'base64url').slice(0, 12)
}
