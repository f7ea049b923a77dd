import { forEachYielding } from '../../flow/cooperative.ts'
import type { Entry } from '../../model/source.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { ReadResult } from '../origins.ts'
import type { RequestTerms } from './ask.ts'
import { createFollower } from './links.ts'
import { createFollowed, readPages, type Whole, withQuery } from './pages.ts'
import { createPlace } from './place.ts'
import { createReader, type Document } from './reader.ts'

type Ours = Omit<RequestTerms, 'maxBytes'>

/** One directory: the document at its address, all its pages, and the documents it names. */
export function createDirectory({
  url,
  door,
  maxBytes,
  well_known,
  hosts,
  select,
}: {
  url: string
  door: Pick<HttpClient, 'request'>
  maxBytes: number
  well_known: boolean
  hosts: readonly string[]
  select: (entry: Entry) => Entry | undefined
}) {
  const reader = createReader({ door, maxBytes })
  const place = createPlace(url, { well_known })
  const follower = createFollower({ hosts })
  const followed = createFollowed({ readAll })
  let terms: Ours = { reach: 'private', timeoutMs: 0 }
  let signal = AbortSignal.abort()
  let used = new Set<string>()
  let complete = false
  let isUnchanged = false

  function readAt(at: string, trust: 'own' | 'named' = 'own'): Promise<Document> {
    used.add(at)
    // Neither our credentials nor our trust belong to what a document of theirs names elsewhere.
    const { reach: _, headers: __, tls: ___, ...open } = terms
    return reader.read(at, trust === 'own' ? terms : { ...open, reach: 'private' }, signal)
  }

  async function readAll(query: Readonly<Record<string, string>>): Promise<Whole> {
    const { document, at } = await place.read(readAt, query)
    const { links } = document.listing
    const whole = await readPages(withQuery(at, query, 'replace'), document, readAt)
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
