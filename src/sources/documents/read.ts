import { runCooperatively } from '../../flow/cooperative.ts'
import { type Entry, SourceError } from '../../model/source.ts'
import { extractListing } from './formats/formats.ts'
import { createParseQueue, type Parse } from './parse-queue.ts'
import { type TextFormat, looksLikeJson, parseListing } from './parse.ts'
import type { ServerListing } from './server-listing.ts'
import { parseLenientJson } from './syntax/json.ts'

/**
 * Maximum sizes that are parsed on the main thread; larger texts would block it. A first YAML takes about 2 ms per kB,
 * JSON 10 ms per MB.
 */
const maxMainThreadYamlBytes = 4 * 1024
const maxMainThreadJsonBytes = 512 * 1024

export type ReadOptions = {
  readonly format?: TextFormat
  /** Larger texts are rejected. */
  readonly maxBytes?: number
  /** Parses large texts; without, they queue with all other texts of this machine that name no queue. */
  readonly parse?: Parse
  /** Withdraws a large text that waits for its turn. */
  readonly signal?: AbortSignal
}

const commonQueue = createParseQueue('local')

/**
 * Reads a text that lists servers, in any form that people and machines write.
 *
 * Rejects with a `SourceError` that names the problem and its location, and repeats nothing of the text. One bad entry
 * does not affect its neighbours: it becomes an entry with a problem.
 */
export async function readListing(
  text: string | Uint8Array,
  { format = 'auto', maxBytes = 5 * 1024 * 1024, parse = commonQueue, signal }: ReadOptions = {},
): Promise<ServerListing> {
  const size = typeof text === 'string' ? Buffer.byteLength(text) : text.byteLength
  if (size > maxBytes) throw tooLargeError(size, maxBytes)
  const content = typeof text === 'string' ? text.replace(/^\uFEFF/, '') : decodeUtf8(text)
  if (size <= maxMainThreadYamlBytes) return parseListing(content, format)
  const listing = size <= maxMainThreadJsonBytes ? await runCooperatively(tryJsonListing(content, format)) : undefined
  return listing ?? parse(content, format, signal)
}

/** Yields where it may be interrupted. Returns undefined if the text may still be YAML. */
function* tryJsonListing(text: string, format: TextFormat): Generator<void, ServerListing | undefined> {
  if (format === 'json5' || (format !== 'json' && !looksLikeJson(text))) return undefined
  try {
    const { value, locations } = parseLenientJson(text)
    yield
    const locate = yield* locations()
    yield
    return extractListing(value, locate)
  } catch (error) {
    if (format === 'json') throw error
    // If the text is neither JSON nor YAML, the parser thread reports that.
    return undefined
  }
}

/** The entries of a text. A link to another document becomes an entry with a problem. */
export async function readDocument(text: string | Uint8Array, options?: ReadOptions): Promise<Entry[]> {
  const { entries, links } = await readListing(text, options)
  const problem = 'only names another document, which this source does not fetch'
  const unfetched = links.map(({ name, where }) => ({ problem, ...(name && { name }), ...(where && { where }) }))
  return [...entries, ...unfetched]
}

export function tooLargeError(size: number, maxBytes: number): SourceError {
  const format = (bytes: number) => (bytes < 1024 * 1024 ? `${bytes} bytes` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`)
  return new SourceError(`document too large: ${format(size)} (limit ${format(maxBytes)})`, { class: 'config' })
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new SourceError('document is not valid UTF-8', { class: 'config', cause: error })
  }
}
