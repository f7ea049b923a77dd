import { type Entry, SourceError } from '../../model/source.ts'
import type { ParsedDocument } from './document-reader.ts'

/** All pages of a listing together. */
export type CompleteListing = Pick<ParsedDocument, 'freshMs' | 'answeredAt'> & {
  readonly entries: readonly Entry[]
  readonly deleted: readonly string[]
  readonly pages: number
}

const maxPages = 2000

/** Whether a URL is that of the official registry's list of servers. */
export function isRegistryList(url: string): boolean {
  return /\/v\d+(\.\d+)?\/servers\/?$/.test(new URL(url).pathname)
}

/** The first page of a registry's list, with the largest page size and only the latest version of each server. */
export function firstPageUrl(url: string): string {
  return isRegistryList(url) ? withQuery(url, { limit: '100', version: 'latest' }, 'keep') : url
}

/** Reads from the first page to the last. One page that cannot be read fails the whole. */
export async function readAllPages(
  url: string,
  first: ParsedDocument,
  readPage: (url: string) => Promise<ParsedDocument>,
): Promise<CompleteListing> {
  const entries = [...first.listing.entries]
  const deleted = [...first.listing.deleted]
  const cursors = new Set<string>()
  let cursor = first.listing.next
  for (; cursor !== undefined && cursor !== '';) {
    const page = cursors.size + 2
    if (cursors.has(cursor)) throw new SourceError(`page ${page} leads back to an earlier page`, { class: 'partial' })
    if (page > maxPages) throw new SourceError(`directory has more than ${maxPages} pages`, { class: 'config' })
    cursors.add(cursor)
    const pageUrl = withQuery(url, { cursor }, 'replace')
    const { listing } = await withPageInError(page, () => readPage(pageUrl))
    for (const entry of listing.entries) entries.push(entry)
    for (const name of listing.deleted) deleted.push(name)
    cursor = listing.next
  }
  return { entries, deleted, pages: cursors.size + 1, freshMs: first.freshMs, answeredAt: first.answeredAt }
}

async function withPageInError(page: number, read: () => Promise<ParsedDocument>): Promise<ParsedDocument> {
  try {
    return await read()
  } catch (cause) {
    if (!(cause instanceof SourceError)) throw cause
    const { retry_after, class: errorClass } = cause
    throw new SourceError(`page ${page}: ${cause.message}`, {
      class: errorClass === 'transient' ? 'partial' : errorClass,
      where: `page ${page}`,
      retry_after,
      cause,
    })
  }
}

export function withQuery(url: string, query: Readonly<Record<string, string>>, existing: 'keep' | 'replace'): string {
  const result = new URL(url)
  for (const [name, value] of Object.entries(query)) {
    if (existing === 'replace' || !result.searchParams.has(name)) result.searchParams.set(name, value)
  }
  return result.href
}
