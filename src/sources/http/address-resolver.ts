import { SourceError } from '../../model/source.ts'
import { NoDocumentError } from './conditional-request.ts'
import type { ParsedDocument } from './document-reader.ts'
import { firstPageUrl, isRegistryList, withQuery } from './paginated-reader.ts'

/** Where a domain says what servers it has: the path of today first, then those of earlier drafts and other protocols. */
const wellKnown = [
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

/** Addresses at which a directory may be meant by `url`, best guess first. */
function candidatesFor(url: string, { well_known }: { well_known: boolean }): string[] {
  const { origin, pathname } = new URL(url)
  const known = wellKnown.map((path) => origin + path)
  if (well_known) return known
  const registries = ['v0.1/servers', 'v0/servers'].map((path) => {
    const below = new URL(url)
    below.pathname = below.pathname.replace(/\/*$/, `/${path}`)
    return below.href
  })
  if (pathname === '/') return [url, ...known, ...registries]
  // A file name or a registry's list is meant as it is written.
  return /\.\w+$/.test(pathname) || isRegistryList(url) ? [url] : [url, ...registries]
}

/**
 * Finds the address at which a directory really answers, and stays with it.
 *
 * Only "there is no document here" leads on to the next: an address that fails in any other way may be the right one.
 */
export function createAddressResolver(url: string, { well_known }: { well_known: boolean }) {
  const candidates = candidatesFor(url, { well_known })
  let found: string | undefined

  async function read(
    readAt: (url: string) => Promise<ParsedDocument>,
    query: Readonly<Record<string, string>> = {},
  ): Promise<{ document: ParsedDocument; at: string }> {
    let first: SourceError | undefined
    for (const candidate of found === undefined ? candidates : [found]) {
      const at = firstPageUrl(candidate)
      try {
        const document = await readAt(withQuery(at, query, 'replace'))
        found = candidate
        return { document, at }
      } catch (error) {
        if (!(error instanceof SourceError) || !leadsOn(error)) throw error
        first ??= error
      }
    }
    found = undefined
    if (!first || candidates.length === 1) throw first ?? new SourceError('names no address')
    throw new SourceError(`${first.message}; nor is there a document at any address where one is usual`, {
      class: first.class,
      where: first.where,
    })
  }

  return { read }
}

/** A text of no known form is no directory either. */
function leadsOn(error: SourceError): boolean {
  return error instanceof NoDocumentError || error.message.startsWith('is no document')
}
