import { SourceError } from '../../model/source.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { readListing } from '../documents/read.ts'
import type { ServerListing } from '../documents/server-listing.ts'
import { requestDocument, type DocumentRequestOptions, type Validators } from './conditional-request.ts'
import { repeatedKey } from './repeated.ts'

/** One document, as it was answered. */
export type ParsedDocument = {
  readonly listing: ServerListing
  /** The other side says that it is the one we have. */
  readonly unchanged: boolean
  readonly freshMs: number
  /** The other side's own clock, when it answered. */
  readonly answeredAt: number | undefined
}

type Remembered = { readonly validators: Validators; readonly listing: ServerListing; conditional: number }

/** A place that wrongly says "not modified" is found out by asking without conditions, every so many times. */
const unconditionalEvery = 20

export type Reader = ReturnType<typeof createDocumentReader>

/**
 * Reads documents over HTTP, and asks for what it has read before only whether it has changed.
 *
 * Nothing is remembered of an answer before it has been understood: what cannot be read fails again at every look.
 */
export function createDocumentReader({
  httpClient,
  maxBytes,
}: {
  httpClient: Pick<HttpClient, 'request'>
  maxBytes: number
}) {
  const remembered = new Map<string, Remembered>()

  async function read(
    url: string,
    terms: Omit<DocumentRequestOptions, 'maxBytes'>,
    signal: AbortSignal,
  ): Promise<ParsedDocument> {
    const known = remembered.get(url)
    const conditional = known !== undefined && known.conditional < unconditionalEvery - 1
    const validators = conditional ? known.validators : {}
    const answer = await requestDocument(httpClient, url, { ...terms, maxBytes }, { signal, validators })
    const { freshMs, answeredAt } = answer
    if (answer.type === 'unchanged') {
      if (!known) throw new SourceError('says that nothing changed, though nothing had been read before')
      known.conditional += 1
      return { listing: known.listing, unchanged: true, freshMs, answeredAt }
    }
    const listing = await understood(answer, maxBytes)
    remembered.delete(url)
    const { etag, modified } = answer.validators
    // A page of many is asked for once in a while only, and would be held in memory for nothing.
    if (listing.next === undefined && (etag !== undefined || modified !== undefined)) {
      remembered.set(url, { validators: answer.validators, listing, conditional: 0 })
    }
    return { listing, unchanged: false, freshMs, answeredAt }
  }

  /** Forgets all documents but these. */
  function keepOnly(urls: ReadonlySet<string>): void {
    for (const url of remembered.keys()) if (!urls.has(url)) remembered.delete(url)
  }

  return { read, keepOnly }
}

async function understood(
  { text, format }: { text: string; format: 'json' | 'yaml' | 'unsaid' },
  maxBytes: number,
): Promise<ServerListing> {
  const isJson = format === 'json' || (format === 'unsaid' && /^\s*[[{]/.test(text))
  const listing = await readListing(text, { format: isJson ? 'json' : 'yaml', maxBytes })
  const twice = isJson ? await repeatedKey(text) : undefined
  if (twice === undefined) return listing
  throw new SourceError('names the same key twice in one object', { class: 'config', where: twice })
}
