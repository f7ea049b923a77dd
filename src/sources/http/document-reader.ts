import { forEachYielding } from '../../flow/cooperative.ts'
import { SourceError } from '../../model/source.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { Parse } from '../documents/parse-queue.ts'
import { readListing } from '../documents/read.ts'
import type { ServerListing } from '../documents/server-listing.ts'
import { duplicateKeyError } from '../documents/syntax/json-locations.ts'
import {
  type DocumentRequestOptions,
  type FetchedDocument,
  requestDocument,
  type Validators,
} from './conditional-request.ts'

/** One fetched and parsed document. */
export type ParsedDocument = {
  readonly listing: ServerListing
  /** Length of the document; 0 for one that the server did not send again. */
  readonly bytes: number
  /** Whether the server answered that the document is the one read before. */
  readonly unchanged: boolean
  readonly freshMs: number
  /** Time on the server's own clock. */
  readonly answeredAt: number | undefined
}

type CachedDocument = {
  readonly validators: Validators
  readonly listing: ServerListing
  /** Number of conditional requests since the document was last fetched. */
  conditionalRequests: number
}

/** One of this many requests is unconditional, which finds a server that wrongly answers "not modified". */
const unconditionalEvery = 20

/**
 * Reads documents over HTTP, with a conditional request for a document it has read before.
 *
 * Caches a document only once it has been parsed: an invalid document fails again at every read.
 */
export function createDocumentReader({
  httpClient,
  maxBytes,
  parse,
}: {
  httpClient: Pick<HttpClient, 'request'>
  maxBytes: number
  /** Parses large texts. */
  parse: Parse
}) {
  const cache = new Map<string, CachedDocument>()

  async function read(
    url: string,
    options: Omit<DocumentRequestOptions, 'maxBytes'>,
    signal: AbortSignal,
  ): Promise<ParsedDocument> {
    const cached = cache.get(url)
    const isConditional = cached !== undefined && cached.conditionalRequests < unconditionalEvery - 1
    const validators = isConditional ? cached.validators : {}
    const fetched = await requestDocument(httpClient, url, { ...options, maxBytes }, { signal, validators })
    const { freshMs, answeredAt } = fetched
    if (fetched.type === 'unchanged') {
      if (!cached) throw new SourceError('server answered "unchanged" before anything had been read')
      cached.conditionalRequests += 1
      return { listing: cached.listing, bytes: 0, unchanged: true, freshMs, answeredAt }
    }
    const listing = await parseDocument(fetched, { maxBytes, parse, signal })
    cache.delete(url)
    const { etag, modified } = fetched.validators
    // A page of several is read rarely: its memory would be wasted.
    if (listing.next === undefined && (etag !== undefined || modified !== undefined)) {
      cache.set(url, { validators: fetched.validators, listing, conditionalRequests: 0 })
    }
    return { listing, bytes: Buffer.byteLength(fetched.text), unchanged: false, freshMs, answeredAt }
  }

  /** Evicts all documents but these. */
  function keepOnly(urls: ReadonlySet<string>): void {
    for (const url of cache.keys()) if (!urls.has(url)) cache.delete(url)
  }

  return { read, keepOnly }
}

async function parseDocument(
  { text, format }: Extract<FetchedDocument, { type: 'document' }>,
  options: { maxBytes: number; parse: Parse; signal: AbortSignal },
): Promise<ServerListing> {
  const isJson = format === 'json' || (format === 'unknown' && /^\s*[[{]/.test(text))
  const listing = await readListing(text, { ...options, format: isJson ? 'json' : 'yaml' })
  const duplicate = isJson ? await findDuplicateKey(text) : undefined
  if (duplicate !== undefined) throw duplicateKeyError(duplicate)
  return listing
}

/** A string without an end reaches to the end of the text, so that no later quote is tried as another start. */
const keyOrBrace = /"(?:[^"\\]|\\.)*(?:"(\s*:)?|$)|[{}]/gs

/**
 * Where valid JSON names a key twice in one object, at any depth, as `line 3`; undefined if nowhere.
 *
 * `JSON.parse` silently takes the last of them, and a server would be lost.
 */
async function findDuplicateKey(text: string): Promise<string | undefined> {
  const open: Set<string>[] = []
  let duplicate: number | undefined
  await forEachYielding(text.matchAll(keyOrBrace), ({ 0: match, 1: colon, index }) => {
    if (match === '{') open.push(new Set())
    else if (match === '}') open.pop()
    else if (colon !== undefined) {
      const keys = open.at(-1)
      const key = unquote(match.slice(0, -colon.length))
      if (keys?.has(key)) duplicate ??= index
      keys?.add(key)
    }
  })
  return duplicate === undefined ? undefined : `line ${text.slice(0, duplicate).split('\n').length}`
}

function unquote(literal: string): string {
  return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1)
}
