import { type Entry, SourceError } from '../../model/source.ts'
import { identityOf } from '../origin-poller.ts'
import type { ParsedDocument } from './document-reader.ts'

/** Everything that a listing of several pages holds. */
export type CompleteListing = Pick<ParsedDocument, 'freshMs' | 'answeredAt'> & {
  readonly entries: readonly Entry[]
  readonly deleted: readonly string[]
  readonly pages: number
}

const mostPages = 2000

/** How far the far clock and its database may lag behind each other when only changes are asked for. */
const overlapMs = 5 * 60_000
const wholeEvery = 20

/** Whether a URL is that of the official registry's list of servers. */
export function isRegistryList(url: string): boolean {
  return /\/v\d+(\.\d+)?\/servers\/?$/.test(new URL(url).pathname)
}

/** The first page of a registry's list, as large as pages may be, and of every server the latest version only. */
export function firstPageUrl(url: string): string {
  return isRegistryList(url) ? withQuery(url, { limit: '100', version: 'latest' }, 'keep') : url
}

/** Reads on from the first page to the last. A page that cannot be read voids the whole. */
export async function readAllPages(
  url: string,
  first: ParsedDocument,
  readPage: (url: string) => Promise<ParsedDocument>,
): Promise<CompleteListing> {
  const entries = [...first.listing.entries]
  const deleted = [...first.listing.deleted]
  const seen = new Set<string>()
  let cursor = first.listing.next
  for (; cursor !== undefined && cursor !== '';) {
    const page = seen.size + 2
    if (seen.has(cursor)) throw new SourceError(`page ${page} leads back to an earlier one`, { class: 'partial' })
    if (page > mostPages) throw new SourceError(`has more than ${mostPages} pages`, { class: 'config' })
    seen.add(cursor)
    const { listing } = await pageOrReason(page, () => readPage(withQuery(url, { cursor: cursor ?? '' }, 'replace')))
    for (const entry of listing.entries) entries.push(entry)
    for (const name of listing.deleted) deleted.push(name)
    cursor = listing.next
  }
  return { entries, deleted, pages: seen.size + 1, freshMs: first.freshMs, answeredAt: first.answeredAt }
}

async function pageOrReason(page: number, read: () => Promise<ParsedDocument>): Promise<ParsedDocument> {
  try {
    return await read()
  } catch (cause) {
    if (!(cause instanceof SourceError)) throw cause
    const { retry_after, class: kind } = cause
    throw new SourceError(`page ${page}: ${cause.message}`, {
      class: kind === 'transient' ? 'partial' : kind,
      where: `page ${page}`,
      retry_after,
      cause,
    })
  }
}

/**
 * Follows a long registry by asking only for what was updated since the last look, and for everything once in a while:
 * what was erased rather than marked as deleted shows only there.
 */
export function createIncrementalReader({
  readAll,
}: {
  readAll: (query: Readonly<Record<string, string>>) => Promise<CompleteListing>
}) {
  let known: Map<string, Entry> | undefined
  let since: string | undefined
  let looks = 0

  function remember({ pages, answeredAt }: CompleteListing): void {
    since = answeredAt === undefined || pages < 2 ? undefined : rfc3339(answeredAt - overlapMs)
  }

  async function everything(): Promise<CompleteListing> {
    looks = 0
    known = undefined
    const whole = await readAll({})
    remember(whole)
    if (since !== undefined) known = byName(whole.entries)
    return whole
  }

  async function read(): Promise<CompleteListing> {
    looks += 1
    if (!known || since === undefined || looks >= wholeEvery) return await everything()
    const news = await readAll({ updated_since: since, include_deleted: 'true' })
    // A registry that does not know the parameter answers with everything: then there is nothing to save.
    if (news.entries.length > Math.max(100, known.size / 2)) return await everything()
    for (const name of news.deleted) known.delete(name)
    for (const [name, entry] of byName(news.entries)) known.set(name, entry)
    if (news.answeredAt !== undefined) since = rfc3339(news.answeredAt - overlapMs)
    return { ...news, entries: [...known.values()] }
  }

  return { read }
}

function byName(entries: readonly Entry[]): Map<string, Entry> {
  const named = new Map<string, Entry>()
  for (const [index, entry] of entries.entries()) {
    const name = identityOf(entry).name ?? `\0${index}`
    if (!named.has(name)) named.set(name, entry)
  }
  return named
}

export function withQuery(url: string, query: Readonly<Record<string, string>>, existing: 'keep' | 'replace'): string {
  const changed = new URL(url)
  for (const [name, value] of Object.entries(query)) {
    if (existing === 'replace' || !changed.searchParams.has(name)) changed.searchParams.set(name, value)
  }
  return changed.href
}

function rfc3339(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}
