import { runCooperatively } from '../../flow/cooperative.ts'
import { type Entry, SourceError } from '../../model/source.ts'
import { extractListing } from './formats/formats.ts'
import { sharedParseThread } from './parse-thread.ts'
import { type TextFormat, looksLikeJson, parseListing } from './parse.ts'
import type { ServerListing } from './server-listing.ts'
import { parseJson } from './syntax/json.ts'

/** Larger texts would hold up everybody else: YAML takes about 2 ms per kB at first, JSON 10 ms per MB. */
const mostYamlHere = 4 * 1024
const mostJsonHere = 512 * 1024

export type ReadOptions = {
  readonly format?: TextFormat
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
): Promise<ServerListing> {
  const size = typeof text === 'string' ? Buffer.byteLength(text) : text.byteLength
  if (size > maxBytes) throw tooLargeError(size, maxBytes)
  const bare = typeof text === 'string' ? text.replace(/^\uFEFF/, '') : decoded(text)
  if (size <= mostYamlHere) return parseListing(bare, format)
  const here = size <= mostJsonHere ? await runCooperatively(jsonOrNot(bare, format)) : undefined
  return here ?? sharedParseThread.parse(bare, format)
}

/** Yields where it may be interrupted. */
function* jsonOrNot(text: string, format: TextFormat): Generator<void, ServerListing | undefined> {
  if (format !== 'json' && !looksLikeJson(text)) return undefined
  try {
    const { value, locations: places } = parseJson(text)
    yield
    const locate = yield* places()
    yield
    return extractListing(value, locate)
  } catch (error) {
    if (format === 'json') throw error
    // It may still be YAML, and if it is neither, the thread says so.
    return undefined
  }
}

/** The entries of a text; what would have to be fetched first is an entry with a problem. */
export async function readDocument(text: string | Uint8Array, options?: ReadOptions): Promise<Entry[]> {
  const { entries, links } = await readListing(text, options)
  const problem = 'only names a document elsewhere, which this source does not fetch'
  const unread = links.map(({ name, where }) => ({ problem, ...(name && { name }), ...(where && { where }) }))
  return [...entries, ...unread]
}

export function tooLargeError(size: number, most: number): SourceError {
  const shown = (bytes: number) => (bytes < 1024 * 1024 ? `${bytes} bytes` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`)
  return new SourceError(`is too big: ${shown(size)}, and at most ${shown(most)} are read`, { class: 'config' })
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new SourceError('is no UTF-8 text', { class: 'config', cause: error })
  }
}
