import { readFile } from 'node:fs/promises'
import { isIP, isIPv6 } from 'node:net'
import { SourceError } from '../../model/source.ts'

export type Nameserver = { readonly address: string; readonly port: number }

/** Whom to ask, and how names that do not end in a dot are completed. */
export type ResolverConfig = {
  readonly nameservers: readonly Nameserver[]
  readonly search: readonly string[]
  readonly ndots: number
}

/** An address with an optional port: `10.0.0.53`, `127.0.0.1:5353`, `::1`, `[::1]:5353`. */
export function parseNameserver(text: string): Nameserver | undefined {
  if (isIP(text) !== 0) return { address: text, port: 53 }
  const [, six, four, digits] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = six ?? four ?? ''
  const port = Number(digits ?? 53)
  if (isIP(address) === 0 || (six !== undefined && !isIPv6(six)) || port < 1 || port > 65_535) return undefined
  return { address, port }
}

/** What resolv.conf(5) says; lines that mean nothing here are left out. */
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
    // Of several the last counts, as in the C library.
    if (word === 'search') search = rest
    if (word === 'domain') search = rest.slice(0, 1)
    if (word === 'options') ndots = Number(rest.findLast((one) => /^ndots:\d+$/.test(one))?.slice(6) ?? ndots)
  }
  return {
    nameservers,
    search: search.map((one) => one.replace(/\.$/, '')).filter(Boolean),
    ndots: Math.min(ndots, 15),
  }
}

/**
 * Whom to ask now: what the config names, else what the file names, which is read again every time.
 *
 * Nobody else is ever asked: without a nameserver there is an error, not a guess.
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
  const own = nameservers?.flatMap((text) => parseNameserver(text) ?? [])
  const said = await readFile(file, 'utf8').then(parseResolvConf, (cause: NodeJS.ErrnoException) => {
    if (own) return parseResolvConf('')
    throw new SourceError(`no nameserver is known: ${file} cannot be read (${cause.code ?? 'unreadable'})`, {
      class: 'config',
    })
  })
  const known = own ?? said.nameservers
  if (known.length === 0) throw new SourceError(`no nameserver is known: ${file} names none`, { class: 'config' })
  return { nameservers: known, search: search ?? said.search, ndots: said.ndots }
}

/** The names to ask for, in order; a name with a dot at its end is complete, the others may be completed. */
export function candidateNames(name: string, { search, ndots }: Pick<ResolverConfig, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const completed = search.map((domain) => `${name}.${domain}`)
  return name.split('.').length - 1 >= ndots ? [name, ...completed] : [...completed, name]
}
