import type { Packet, Resource } from 'dns2'
import { SourceError } from '../../model/source.ts'
import { queryNameserver, type DnsQuestion, type RecordType } from './dns-query.ts'
import type { ResolverConfig } from './resolver-config.ts'

/** What the DNS says of a name: its records, possibly none, and how long that holds. */
export type ResolvedRecords = {
  readonly records: readonly Resource[]
  /** Seconds; undefined where nothing says. */
  readonly ttl: number | undefined
}

const mostAliases = 8
const rounds = 2
const meanings: Record<number, string> = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP', 5: 'REFUSED', 9: 'NOTAUTH' }

/**
 * Answers what records a name has. That it does not exist, or has none, is an answer; everything else is an error.
 *
 * Nameservers are asked in their order, the next one only when the one before failed.
 */
export async function resolveRecords(
  name: string,
  type: RecordType,
  { nameservers, timeoutMs, signal }: Pick<ResolverConfig, 'nameservers'> & { timeoutMs: number; signal: AbortSignal },
): Promise<ResolvedRecords> {
  async function askAll(question: DnsQuestion): Promise<Packet> {
    const failures = new Map<string, string>()
    for (let round = 0; round < rounds; round++) {
      for (const server of nameservers) {
        signal.throwIfAborted()
        try {
          const packet = await queryNameserver(server, question, { timeoutMs, signal })
          const failure = failureOf(packet)
          if (failure === undefined) return packet
          failures.set(server.address, failure)
        } catch (error) {
          failures.set(server.address, error instanceof SourceError ? error.message : 'cannot be asked')
        }
      }
    }
    const told = [...failures].map(([address, failure]) => `${address} ${failure}`).join('; ')
    throw new SourceError(`${question.type} of ${question.name}: ${told}`)
  }

  const ttls: number[] = []
  let asked = name
  for (let hops = 0; hops < mostAliases; hops++) {
    const packet = await askAll({ name: asked, type })
    const { records, alias, ttl } = belonging(packet, asked, type)
    if (ttl !== undefined) ttls.push(ttl)
    const found = records.length > 0 || alias === asked
    if (found || packet.header.rcode !== 0) {
      return { records, ttl: ttls.length > 0 ? Math.min(...ttls) : undefined }
    }
    asked = alias
  }
  throw new SourceError(`${type} of ${name}: is an alias of an alias, more than ${mostAliases} times`, {
    class: 'config',
  })
}

function failureOf({ header, answers, authorities }: Packet): string | undefined {
  const { rcode, aa, ra } = header
  if (rcode === 3) return undefined
  if (rcode !== 0) return `answers ${meanings[rcode] ?? `with code ${rcode}`}`
  // A server that only says whom else to ask has not said that there is nothing.
  const refers = answers.length === 0 && !aa && !ra && authorities.some(({ type }) => type === typeOf.NS)
  return refers ? 'only refers to other nameservers; it must be one that answers for others' : undefined
}

const typeOf = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, SRV: 33 } as const

/** The records of `name` or of what it is an alias of, and the last alias of the chain. */
function belonging({ answers, authorities }: Packet, name: string, type: RecordType) {
  const owners = new Set([normalizeDnsName(name)])
  const seen: Resource[] = []
  let alias = name
  for (let step = 0; step < mostAliases; step++) {
    const link = answers.find(
      (one) => one.type === typeOf.CNAME && normalizeDnsName(one.name) === normalizeDnsName(alias),
    )
    if (link?.domain === undefined || owners.has(normalizeDnsName(link.domain))) break
    seen.push(link)
    alias = link.domain
    owners.add(normalizeDnsName(alias))
  }
  const records = answers.filter((one) => one.type === typeOf[type] && owners.has(normalizeDnsName(one.name)))
  const soa = records.length === 0 ? authorities.find((one) => one.type === typeOf.SOA) : undefined
  const ttls = [...seen, ...records].map(({ ttl }) => ttl)
  if (soa) ttls.push(Math.min(soa.ttl, soa.minimum ?? soa.ttl))
  return { records, alias, ttl: ttls.length > 0 ? Math.min(...ttls) : undefined }
}

/** Names are compared without regard to case or the dot at their end. */
export function normalizeDnsName(name: string): string {
  return name.replace(/\.$/, '').toLowerCase()
}
