import { mapConcurrent } from '../../flow/map-concurrent.ts'
import { type Entry, SourceError } from '../../model/source.ts'
import type { DocumentLink } from '../documents/server-listing.ts'
import { identityOf } from '../origin-poller.ts'
import { matchesWildcard } from '../selection.ts'
import type { ParsedDocument } from './document-reader.ts'

const mostDocuments = 500
const mostDepth = 2
const atOnce = 8

type Pending = DocumentLink & { readonly href: string; readonly depth: number }

/**
 * Fetches the documents that a catalogue only names: server cards, agent cards, further catalogues.
 *
 * One that cannot be read is an entry with a problem under the names it had, so that its servers stay as they were.
 */
export function createLinkFollower({ hosts }: { hosts: readonly string[] }) {
  /** What each document named when it was last read. */
  let named = new Map<string, readonly string[]>()

  async function follow(
    links: readonly DocumentLink[],
    from: string,
    read: (url: string, trust: 'own' | 'named') => Promise<ParsedDocument>,
  ): Promise<Entry[]> {
    const names = new Map<string, readonly string[]>()
    const seen = new Set<string>([from])
    const entries: Entry[] = []

    async function fetchOne({ href, depth, where = shown(href), name }: Pending) {
      try {
        const trust = trustOf(href, from, hosts)
        const { listing } = await read(href, trust)
        const found = listing.entries.map((entry) => ({ ...entry, where }))
        names.set(
          href,
          found.flatMap((entry) => identityOf(entry).name ?? []),
        )
        return { found, more: depth < mostDepth ? pending(listing.links, href, depth + 1) : [] }
      } catch (cause) {
        const why = cause instanceof SourceError ? cause.message : 'could not be read'
        const before = named.get(href) ?? (name === undefined ? [] : [name])
        names.set(href, before)
        const problem = `${shown(href)} ${why}`
        return {
          found: before.length > 0 ? before.map((name) => ({ problem, where, name })) : [{ problem, where }],
          more: [],
        }
      }
    }

    let level = pending(links, from, 1)
    while (level.length > 0) {
      const fresh = level.filter(({ href }) => !seen.has(href) && seen.size <= mostDocuments && seen.add(href))
      const answers = await mapConcurrent(fresh, atOnce, fetchOne)
      for (const { found } of answers) entries.push(...found)
      level = answers.flatMap(({ more }) => more)
    }
    named = names
    return entries
  }

  return { follow }
}

/** A document beside the one that names it is as good as that; elsewhere it must be allowed, and is trusted less. */
function trustOf(href: string, from: string, hosts: readonly string[]): 'own' | 'named' {
  if (new URL(href).origin === new URL(from).origin) return 'own'
  if (hosts.some((glob) => matchesWildcard(glob, new URL(href).hostname))) return 'named'
  throw new SourceError('is on another host, which is not followed; add it to follow_hosts if it should be')
}

function pending(links: readonly DocumentLink[], from: string, depth: number): Pending[] {
  return links.flatMap((link) => {
    const url = URL.parse(link.url, from)
    return url && /^https?:$/.test(url.protocol) ? [{ ...link, href: url.href, depth }] : []
  })
}

/** A URL without what may be secret in it. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
