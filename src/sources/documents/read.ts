import { type Entry, SourceError } from '../../model/source.ts'
import type { Listing } from './listing.ts'
import { parseListing } from './parse.ts'

export type Format = 'yaml' | 'json' | 'auto'

export type ReadOptions = {
  /** `json` takes nothing else; `yaml` and `auto` take either, JSON being YAML too. */
  readonly format?: Format
  /** Texts above this are refused. */
  readonly maxBytes?: number
}

/**
 * Reads a text that lists servers, in any form that people and machines write them.
 *
 * Rejects with a `SourceError` that says what is wrong and where, and holds nothing of the text. One bad entry does not
 * hurt its neighbours: it is an entry with a problem.
 */
export async function readListing(
  text: string | Uint8Array,
  { format = 'auto', maxBytes = 5 * 1024 * 1024 }: ReadOptions = {},
): Promise<Listing> {
  const size = typeof text === 'string' ? Buffer.byteLength(text) : text.byteLength
  if (size > maxBytes) throw tooBig(size, maxBytes)
  return parseListing(typeof text === 'string' ? text.replace(/^\uFEFF/, '') : decoded(text), format)
}

/** The entries of a text; what would have to be fetched first is an entry with a problem. */
export async function readDocument(text: string | Uint8Array, options?: ReadOptions): Promise<Entry[]> {
  const { entries, links } = await readListing(text, options)
  const problem = 'only names a document elsewhere, which this source does not fetch'
  const unread = links.map(({ name, where }) => ({ problem, ...(name && { name }), ...(where && { where }) }))
  return [...entries, ...unread]
}

export function tooBig(size: number, most: number): SourceError {
  const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`
  return new SourceError(`is too big: ${megabytes(size)}, and at most ${megabytes(most)} are read`, { class: 'config' })
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new SourceError('is no UTF-8 text', { class: 'config', cause: error })
  }
}
