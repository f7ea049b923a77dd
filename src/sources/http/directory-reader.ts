import { forEachYielding } from '../../flow/cooperative.ts'
import type { Entry } from '../../model/source.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { ReadResult } from '../origin-poller.ts'
import { createAddressResolver } from './address-resolver.ts'
import type { DocumentRequestOptions } from './conditional-request.ts'
import { createDocumentReader, type ParsedDocument } from './document-reader.ts'
import { createLinkFollower } from './link-follower.ts'
import { createIncrementalReader, readAllPages, type CompleteListing, withQuery } from './paginated-reader.ts'

type Ours = Omit<DocumentRequestOptions, 'maxBytes'>

/** One directory: the document at its address, all its pages, and the documents it names. */
export function createDirectoryReader({
  url,
  httpClient,
  maxBytes,
  well_known,
  hosts,
  select,
}: {
  url: string
  httpClient: Pick<HttpClient, 'request'>
  maxBytes: number
  well_known: boolean
  hosts: readonly string[]
  select: (entry: Entry) => Entry | undefined
}) {
  const reader = createDocumentReader({ httpClient, maxBytes })
  const place = createAddressResolver(url, { well_known })
  const follower = createLinkFollower({ hosts })
  const followed = createIncrementalReader({ readAll })
  let terms: Ours = { reach: 'private', timeoutMs: 0 }
  let signal = AbortSignal.abort()
  let used = new Set<string>()
  let complete = false
  let isUnchanged = false

  function readAt(at: string, trust: 'own' | 'named' = 'own'): Promise<ParsedDocument> {
    used.add(at)
    // Neither our credentials nor our trust belong to what a document of theirs names elsewhere.
    const { reach: _, headers: __, tls: ___, ...open } = terms
    return reader.read(at, trust === 'own' ? terms : { ...open, reach: 'private' }, signal)
  }

  async function readAll(query: Readonly<Record<string, string>>): Promise<CompleteListing> {
    const { document, at } = await place.read(readAt, query)
    const { links } = document.listing
    const whole = await readAllPages(withQuery(at, query, 'replace'), document, readAt)
    isUnchanged = document.unchanged && links.length === 0
    if (links.length === 0) return whole
    return { ...whole, entries: [...whole.entries, ...(await follower.follow(links, at, readAt))] }
  }

  /** Reads everything there is now. */
  async function read(now: Ours, until: AbortSignal): Promise<ReadResult> {
    terms = now
    signal = until
    used = new Set()
    isUnchanged = false
    const wasComplete = complete
    complete = false
    const { entries, freshMs } = await followed.read()
    reader.keepOnly(used)
    complete = true
    if (isUnchanged && wasComplete) return { notBeforeMs: freshMs }
    const taken: Entry[] = []
    await forEachYielding(entries, (entry) => {
      const one = select(entry)
      if (one) taken.push(one)
    })
    return { entries: taken, notBeforeMs: freshMs }
  }

  return { read }
}
