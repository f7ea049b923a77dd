import { mapConcurrent } from '../../flow/map-concurrent.ts'
import { type Entry, SourceError } from '../../model/source.ts'
import { identityOf } from '../documents/entry.ts'
import type { DocumentLink } from '../documents/server-listing.ts'
import { matchesWildcard } from '../selection.ts'
import type { ParsedDocument } from './document-reader.ts'

/** Maximum number of documents that one read of a catalogue fetches. */
const maxDocuments = 500

/** Maximum number of links between the catalogue and a document. */
const maxDepth = 2

const maxConcurrentFetches = 8

/** `own`: as trusted as the directory itself, and sent its credentials. `named`: a document on another host. */
export type DocumentTrust = 'own' | 'named'

type PendingLink = DocumentLink & { readonly href: string; readonly depth: number }

/**
 * Fetches the documents that a catalogue links to: server cards, agent cards, further catalogues.
 *
 * A document that cannot be read becomes entries with a problem under its last names, so that its servers stay.
 */
export function createLinkFollower({ hosts }: { hosts: readonly string[] }) {
  /** Names of the servers in the last reading of each document. */
  let lastNames = new Map<string, readonly string[]>()

  async function follow(
    links: readonly DocumentLink[],
    from: string,
    read: (url: string, trust: DocumentTrust) => Promise<ParsedDocument>,
  ): Promise<Entry[]> {
    const names = new Map<string, readonly string[]>()
    const visited = new Set<string>([from])
    const entries: Entry[] = []

    async function fetchLink({ href, depth, where = withoutSecrets(href), name }: PendingLink) {
      try {
        const { listing } = await read(href, trustOf(href, from, hosts))
        const listed = listing.entries.map((entry) => ({ ...entry, where }))
        names.set(
          href,
          listed.flatMap((entry) => identityOf(entry).name ?? []),
        )
        return { listed, further: depth < maxDepth ? resolveLinks(listing.links, href, depth + 1) : [] }
      } catch (cause) {
        const reason = cause instanceof SourceError ? cause.message : 'read failed unexpectedly'
        const previous = lastNames.get(href) ?? (name === undefined ? [] : [name])
        names.set(href, previous)
        const problem = `${withoutSecrets(href)}: ${reason}`
        return {
          listed: previous.length > 0 ? previous.map((name) => ({ problem, where, name })) : [{ problem, where }],
          further: [],
        }
      }
    }

    let level = resolveLinks(links, from, 1)
    while (level.length > 0) {
      const unseen = level.filter(({ href }) => !visited.has(href) && visited.size <= maxDocuments && visited.add(href))
      const results = await mapConcurrent(unseen, maxConcurrentFetches, fetchLink)
      for (const { listed } of results) entries.push(...listed)
      level = results.flatMap(({ further }) => further)
    }
    lastNames = names
    return entries
  }

  return { follow }
}

/** Trust of a linked document. On another host it must be allowed by `hosts`, and is trusted less. */
function trustOf(href: string, from: string, hosts: readonly string[]): DocumentTrust {
  if (new URL(href).origin === new URL(from).origin) return 'own'
  if (hosts.some((glob) => matchesWildcard(glob, new URL(href).hostname))) return 'named'
  throw new SourceError('document on another host, not followed; add the host to follow_hosts to follow it')
}

function resolveLinks(links: readonly DocumentLink[], from: string, depth: number): PendingLink[] {
  return links.flatMap((link) => {
    const url = URL.parse(link.url, from)
    return url && /^https?:$/.test(url.protocol) ? [{ ...link, href: url.href, depth }] : []
  })
}

/** A URL without credentials and query. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
