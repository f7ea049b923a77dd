import type { Entry } from '../../model/source.ts'

/** A document that lists no servers itself but says where one more document is. */
export type DocumentLink = {
  readonly url: string
  readonly name?: string
  readonly where?: string
  readonly media_type?: string
}

/** What one document says. */
export type ServerListing = {
  readonly entries: readonly Entry[]
  /** Documents that must be fetched to know the servers they name. */
  readonly links: readonly DocumentLink[]
  /** Cursor of the next page, where the document is one page of many. */
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
