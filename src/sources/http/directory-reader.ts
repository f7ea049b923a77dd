import { forEachYielding } from '../../flow/cooperative.ts'
import { type Entry, SourceError } from '../../model/source.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { Parse } from '../documents/parse-queue.ts'
import type { ReadResult } from '../origin-poller.ts'
import { createAddressResolver } from './address-resolver.ts'
import type { DocumentRequestOptions } from './conditional-request.ts'
import { createDocumentReader, type ParsedDocument } from './document-reader.ts'
import { createIncrementalReader } from './incremental-reader.ts'
import { createLinkFollower, type DocumentTrust } from './link-follower.ts'
import { type CompleteListing, readAllPages, withQuery } from './paginated-reader.ts'

type RequestOptions = Omit<DocumentRequestOptions, 'maxBytes'>

/** Reads one directory: the document at its address, all its pages, and the documents it links to. */
export function createDirectoryReader({
  url,
  httpClient,
  maxBytes,
  maxTotalBytes,
  well_known,
  hosts,
  select,
  parse,
}: {
  url: string
  httpClient: Pick<HttpClient, 'request'>
  maxBytes: number
  /** Maximum bytes of all documents of one read. */
  maxTotalBytes: number
  well_known: boolean
  hosts: readonly string[]
  select: (entry: Entry) => Entry | undefined
  parse: Parse
}) {
  const documents = createDocumentReader({ httpClient, maxBytes, parse })
  const resolver = createAddressResolver(url, { well_known })
  const follower = createLinkFollower({ hosts })
  const incremental = createIncrementalReader({ readAll })
  let options: RequestOptions = { reach: 'private', timeoutMs: 0 }
  let signal = AbortSignal.abort()
  let usedUrls = new Set<string>()
  let readBytes = 0
  let isComplete = false
  let isUnchanged = false

  async function readAt(url: string, trust: DocumentTrust = 'own'): Promise<ParsedDocument> {
    usedUrls.add(url)
    // A document on another host gets neither our credentials nor our trust.
    const { reach: _, headers: __, tls: ___, ...anonymous } = options
    const document = await documents.read(url, trust === 'own' ? options : { ...anonymous, reach: 'private' }, signal)
    readBytes += document.bytes
    if (readBytes <= maxTotalBytes) return document
    throw new SourceError(`directory has more than ${maxTotalBytes} bytes in all its documents (max_total_bytes)`, {
      class: 'config',
    })
  }

  async function readAll(query: Readonly<Record<string, string>>): Promise<CompleteListing> {
    const { document, url: pageUrl } = await resolver.read(readAt, query)
    const { links } = document.listing
    const listing = await readAllPages(withQuery(pageUrl, query, 'replace'), document, readAt)
    isUnchanged = document.unchanged && links.length === 0
    if (links.length === 0) return listing
    return { ...listing, entries: [...listing.entries, ...(await follower.follow(links, pageUrl, readAt))] }
  }

  async function read(nextOptions: RequestOptions, nextSignal: AbortSignal): Promise<ReadResult> {
    options = nextOptions
    signal = nextSignal
    usedUrls = new Set()
    readBytes = 0
    isUnchanged = false
    const wasComplete = isComplete
    isComplete = false
    const { entries, freshMs } = await incremental.read()
    documents.keepOnly(usedUrls)
    isComplete = true
    if (isUnchanged && wasComplete) return { notBeforeMs: freshMs }
    const selected: Entry[] = []
    await forEachYielding(entries, (entry) => {
      const result = select(entry)
      if (result) selected.push(result)
    })
    return { entries: selected, notBeforeMs: freshMs }
  }

  return { read }
}
