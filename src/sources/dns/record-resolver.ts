import type { Packet, Resource } from 'dns2'
import { SourceError } from '../../model/source.ts'
import { queryNameserver, type DnsQuestion, type RecordType } from './dns-query.ts'
import type { ResolverConfig } from './resolver-config.ts'

/** The records of a name, possibly none, and their lifetime. */
export type ResolvedRecords = {
  readonly records: readonly Resource[]
  /** Seconds; undefined where the answer gives none. */
  readonly ttl: number | undefined
}

/** Maximum length of a chain of aliases (CNAME). */
const maxAliases = 8

/** Number of times that all nameservers are tried. */
const maxRounds = 2

const responseCodes: Record<number, string> = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP', 5: 'REFUSED', 9: 'NOTAUTH' }

/**
 * Resolves the records of a name. A name that does not exist has no records; any other failure throws.
 *
 * Queries the nameservers in order, the next one only after the previous one failed.
 */
export async function resolveRecords(
  name: string,
  type: RecordType,
  { nameservers, timeoutMs, signal }: Pick<ResolverConfig, 'nameservers'> & { timeoutMs: number; signal: AbortSignal },
): Promise<ResolvedRecords> {
  async function queryAll(question: DnsQuestion): Promise<Packet> {
    const failures = new Map<string, string>()
    for (let round = 0; round < maxRounds; round++) {
      for (const server of nameservers) {
        signal.throwIfAborted()
        try {
          const packet = await queryNameserver(server, question, { timeoutMs, signal })
          const failure = failureOf(packet)
          if (failure === undefined) return packet
          failures.set(server.address, failure)
        } catch (error) {
          failures.set(server.address, error instanceof SourceError ? error.message : 'query failed unexpectedly')
        }
      }
    }
    const summary = [...failures].map(([address, failure]) => `${address} ${failure}`).join('; ')
    throw new SourceError(`${question.type} of ${question.name}: ${summary}`)
  }

  const ttls: number[] = []
  let currentName = name
  for (let hops = 0; hops < maxAliases; hops++) {
    const packet = await queryAll({ name: currentName, type })
    const { records, alias, ttl } = recordsFor(packet, currentName, type)
    if (ttl !== undefined) ttls.push(ttl)
    const isFinal = records.length > 0 || alias === currentName
    if (isFinal || packet.header.rcode !== 0) {
      return { records, ttl: ttls.length > 0 ? Math.min(...ttls) : undefined }
    }
    currentName = alias
  }
  throw new SourceError(`${type} of ${name}: more than ${maxAliases} aliases in a chain`, {
    class: 'config',
  })
}

function failureOf({ header, answers, authorities }: Packet): string | undefined {
  const { rcode, aa, ra } = header
  if (rcode === 3) return undefined
  if (rcode !== 0) return `answered ${responseCodes[rcode] ?? `code ${rcode}`}`
  // A referral to other nameservers does not say that the name has no records.
  const isReferral = answers.length === 0 && !aa && !ra && authorities.some(({ type }) => type === typeOf.NS)
  return isReferral ? 'only refers to other nameservers; configure a recursive one' : undefined
}

const typeOf = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, SRV: 33 } as const

/** The records of `name` or of its aliases, and the last alias of the chain. */
function recordsFor({ answers, authorities }: Packet, name: string, type: RecordType) {
  const owners = new Set([normalizeDnsName(name)])
  const aliases: Resource[] = []
  let alias = name
  for (let step = 0; step < maxAliases; step++) {
    const link = answers.find(
      (record) => record.type === typeOf.CNAME && normalizeDnsName(record.name) === normalizeDnsName(alias),
    )
    if (link?.domain === undefined || owners.has(normalizeDnsName(link.domain))) break
    aliases.push(link)
    alias = link.domain
    owners.add(normalizeDnsName(alias))
  }
  const records = answers.filter((record) => record.type === typeOf[type] && owners.has(normalizeDnsName(record.name)))
  const soa = records.length === 0 ? authorities.find((record) => record.type === typeOf.SOA) : undefined
  const ttls = [...aliases, ...records].map(({ ttl }) => ttl)
  if (soa) ttls.push(Math.min(soa.ttl, soa.minimum ?? soa.ttl))
  return { records, alias, ttl: ttls.length > 0 ? Math.min(...ttls) : undefined }
}

/** The form in which names are compared: lower case, without a dot at the end. */
export function normalizeDnsName(name: string): string {
  return name.replace(/\.$/, '').toLowerCase()
}
