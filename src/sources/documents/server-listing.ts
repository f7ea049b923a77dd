import type { Entry } from '../../model/source.ts'

/** A reference to another document, which must be fetched to know its servers. */
export type DocumentLink = {
  readonly url: string
  readonly name?: string
  readonly where?: string
  readonly media_type?: string
}

/** The servers that one document lists. */
export type ServerListing = {
  readonly entries: readonly Entry[]
  readonly links: readonly DocumentLink[]
  /** Cursor of the next page, if the document is a page of several. */
  readonly next?: string
  /** Names of servers that the document declares deleted. */
  readonly deleted: readonly string[]
}

export const emptyListing: ServerListing = { entries: [], links: [], deleted: [] }

export function mergeListings(listings: readonly ServerListing[]): ServerListing {
  const next = listings.findLast((listing) => listing.next !== undefined)?.next
  return {
    entries: listings.flatMap(({ entries }) => entries),
    links: listings.flatMap(({ links }) => links),
    deleted: listings.flatMap(({ deleted }) => deleted),
    ...(next !== undefined && { next }),
  }
}
