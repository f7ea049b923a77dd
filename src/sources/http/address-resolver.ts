import { SourceError } from '../../model/source.ts'
import { isUnknownFormat } from '../documents/formats/formats.ts'
import { NoDocumentError } from './conditional-request.ts'
import type { ParsedDocument } from './document-reader.ts'
import { firstPageUrl, isRegistryList, withQuery } from './paginated-reader.ts'

/** Paths where a domain lists its servers: today's path first, then those of earlier drafts and of other protocols. */
const wellKnownPaths = [
  'ai-catalog.json',
  'mcp/catalog.json',
  'mcp.json',
  'mcp',
  'mcp/server-card.json',
  'mcp-servers',
  'mcp-server-card',
  'agent-card.json',
  'agent.json',
].map((path) => `/.well-known/${path}`)

/** Addresses that `url` may mean, the most likely first. */
function candidatesFor(url: string, { well_known }: { well_known: boolean }): string[] {
  const { origin, pathname } = new URL(url)
  const wellKnownUrls = wellKnownPaths.map((path) => origin + path)
  if (well_known) return wellKnownUrls
  const registryUrls = ['v0.1/servers', 'v0/servers'].map((path) => {
    const below = new URL(url)
    below.pathname = below.pathname.replace(/(?<!\/)\/*$/, `/${path}`)
    return below.href
  })
  if (pathname === '/') return [url, ...wellKnownUrls, ...registryUrls]
  // A file name or a registry's list is an exact address.
  return /\.\w+$/.test(pathname) || isRegistryList(url) ? [url] : [url, ...registryUrls]
}

/**
 * Finds the address at which a directory answers, and keeps it.
 *
 * Only an answer without a document leads to the next candidate: an address that fails otherwise may be the right one.
 */
export function createAddressResolver(url: string, { well_known }: { well_known: boolean }) {
  const candidates = candidatesFor(url, { well_known })
  let resolved: string | undefined

  async function read(
    readAt: (url: string) => Promise<ParsedDocument>,
    query: Readonly<Record<string, string>> = {},
  ): Promise<{ document: ParsedDocument; url: string }> {
    let firstError: SourceError | undefined
    for (const candidate of resolved === undefined ? candidates : [resolved]) {
      const pageUrl = firstPageUrl(candidate)
      try {
        const document = await readAt(withQuery(pageUrl, query, 'replace'))
        resolved = candidate
        return { document, url: pageUrl }
      } catch (error) {
        if (!(error instanceof SourceError) || !hasNoDocument(error)) throw error
        firstError ??= error
      }
    }
    resolved = undefined
    if (!firstError || candidates.length === 1) throw firstError ?? new SourceError('no address configured')
    throw new SourceError(`${firstError.message}; no document at the usual addresses either`, {
      class: firstError.class,
      where: firstError.where,
    })
  }

  return { read }
}

function hasNoDocument(error: SourceError): boolean {
  return error instanceof NoDocumentError || isUnknownFormat(error)
}
