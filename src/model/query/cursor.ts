import { hash } from 'node:crypto'
import { canonicalFilter, type ServerQuery } from './query.ts'

/** Where a page ended: the last server shown, and what it was sorted by (its relevance, for a search). */
export type PageCursor = { readonly key: string | number; readonly id: string }

/** A token that continues after `position`, good for this filter and order only. */
export function encodeCursor(query: ServerQuery, position: PageCursor): string {
  return Buffer.from(JSON.stringify([bindingOf(query), position.key, position.id])).toString('base64url')
}

/** The position a token stands for, or why it stands for none. */
export function parseCursor(query: ServerQuery): PageCursor | { readonly problem: string } | undefined {
  if (query.continue === undefined) return undefined
  const malformed = { problem: 'is no token that this registry gave; leave it out to begin again' }
  try {
    const token: unknown = JSON.parse(Buffer.from(query.continue, 'base64url').toString())
    if (!Array.isArray(token) || token.length !== 3) return malformed
    const [binding, key, id] = token as unknown[]
    if (typeof id !== 'string' || (typeof key !== 'string' && typeof key !== 'number')) return malformed
    if (binding !== bindingOf(query)) return { problem: 'belongs to a query with another filter or order' }
    return { key, id }
  } catch {
    return malformed
  }
}

function bindingOf(query: ServerQuery): string {
  return hash('sha1', `${query.sort ?? ''} ${canonicalFilter(query)}`, 'base64url').slice(0, 12)
}
