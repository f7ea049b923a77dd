import { readFile } from 'node:fs/promises'
import { isIP, isIPv6 } from 'node:net'
import { SourceError } from '../../model/source.ts'

export type Nameserver = { readonly address: string; readonly port: number }

/** The nameservers to query, and how to complete a name without a dot at its end. */
export type ResolverConfig = {
  readonly nameservers: readonly Nameserver[]
  readonly search: readonly string[]
  readonly ndots: number
}

/** An address with an optional port: `10.0.0.53`, `127.0.0.1:5353`, `::1`, `[::1]:5353`. */
export function parseNameserver(text: string): Nameserver | undefined {
  if (isIP(text) !== 0) return { address: text, port: 53 }
  const [, ipv6, ipv4, digits] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = ipv6 ?? ipv4 ?? ''
  const port = Number(digits ?? 53)
  if (isIP(address) === 0 || (ipv6 !== undefined && !isIPv6(ipv6)) || port < 1 || port > 65_535) return undefined
  return { address, port }
}

/** Parses resolv.conf(5); skips lines without meaning here. */
function parseResolvConf(text: string): ResolverConfig {
  const nameservers: Nameserver[] = []
  let search: string[] = []
  let ndots = 1
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    const server = word === 'nameserver' ? parseNameserver(rest[0] ?? '') : undefined
    if (server) nameservers.push(server)
    // Of several lines the last counts, as in the C library.
    if (word === 'search') search = rest
    if (word === 'domain') search = rest.slice(0, 1)
    if (word === 'options') ndots = Number(rest.findLast((option) => /^ndots:\d+$/.test(option))?.slice(6) ?? ndots)
  }
  return {
    nameservers,
    search: search.map((domain) => domain.replace(/\.$/, '')).filter(Boolean),
    ndots: Math.min(ndots, 15),
  }
}

/**
 * Loads the current resolver config: the nameservers of the source's config, else those of the file.
 *
 * The file is read again every time. Without a nameserver it throws: other nameservers are never queried.
 */
export async function loadResolverConfig({
  nameservers,
  search,
  file,
}: {
  nameservers?: readonly string[] | undefined
  search?: readonly string[] | undefined
  file: string
}): Promise<ResolverConfig> {
  const configured = nameservers?.flatMap((text) => parseNameserver(text) ?? [])
  const fromFile = await readFile(file, 'utf8').then(parseResolvConf, (cause: NodeJS.ErrnoException) => {
    if (configured) return parseResolvConf('')
    throw new SourceError(`no nameserver: ${file} cannot be read (${cause.code ?? 'unreadable'})`, {
      class: 'config',
    })
  })
  const effective = configured ?? fromFile.nameservers
  if (effective.length === 0) throw new SourceError(`no nameserver: ${file} names none`, { class: 'config' })
  return { nameservers: effective, search: search ?? fromFile.search, ndots: fromFile.ndots }
}

/** The full names to query, in order. A name with a dot at its end is complete; others get the search domains. */
export function candidateNames(name: string, { search, ndots }: Pick<ResolverConfig, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const completed = search.map((domain) => `${name}.${domain}`)
  return name.split('.').length - 1 >= ndots ? [name, ...completed] : [...completed, name]
}
