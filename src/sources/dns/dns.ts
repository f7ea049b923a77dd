import * as z from 'zod'
import { mapConcurrent } from '../../flow/map-concurrent.ts'
import { pollLoop } from '../../flow/poll-loop.ts'
import { duration } from '../../model/schema/duration.ts'
import { type Entry, SourceError } from '../../model/source.ts'
import { createOriginPoller } from '../origin-poller.ts'
import { maxPauseSeconds, checkSchedule, scheduleFields, scheduleOf } from '../schedule-fields.ts'
import { createEntrySelector, selectionFields } from '../selection.ts'
import { commonFields, defineSource } from '../source-kind.ts'
import type { RecordType } from './dns-query.ts'
import { normalizeDnsName, type ResolvedRecords, resolveRecords } from './record-resolver.ts'
import { candidateNames, loadResolverConfig, parseNameserver } from './resolver-config.ts'
import { srvTargetEntry, srvTargetName, parseTxtAttributes, type SrvTarget, parseSrvTargets } from './srv-targets.ts'

const defaultIntervalSeconds = 30

/** Maximum time to resolve one name, in seconds, for any number of slow nameservers. */
const maxReadSeconds = 60

const RecordName = z.lazy(() =>
  z
    .string()
    .max(254)
    .regex(/^([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?$/i, 'must be a DNS name, such as _mcp._tcp.example.org'),
)

/** Finds servers by the SRV records of names; the TXT records beside them give attributes. */
export const dns = defineSource({
  type: 'dns',
  config: () =>
    z
      .strictObject({
        type: z.literal('dns'),
        ...commonFields(),
        records: z
          .array(RecordName)
          .min(1)
          .max(100)
          .describe(
            'Names that have SRV records. A name with a dot at its end is complete; others may get a search domain.',
          ),
        nameservers: z
          .array(z.string().refine((text) => parseNameserver(text), 'must be an address, with a port if it is not 53'))
          .min(1)
          .max(10)
          .optional()
          .describe('Nameservers to query, in this order, instead of those of resolv.conf. No other is ever queried.'),
        search: z.array(RecordName).optional().describe('Search domains instead of those of resolv.conf.'),
        resolv_conf: z.string().default('/etc/resolv.conf').describe('Read again at every poll.'),
        resolve: z
          .boolean()
          .default(false)
          .describe('Whether to resolve the addresses of the targets, for their metadata.'),
        path: z.string().max(1024).default('/mcp').describe('Path of servers without one in a TXT record.'),
        tls: z
          .boolean()
          .optional()
          .describe(
            'Whether servers without a TXT record about it use TLS; if left out, those on port 443 and 8443 do.',
          ),
        ...scheduleFields(),
        ...selectionFields(),
        timeout: duration({ min: 0.05, max: 30 }).default(2).describe('Maximum time to wait for one nameserver.'),
        min_ttl: duration({ min: 1, max: 3600 })
          .default(5)
          .describe(
            'Records with a shorter TTL are resolved again after this time. No record is kept longer than its TTL.',
          ),
      })
      .check(checkSchedule),
  discovery_method: 'dns_srv',
  reach: 'private',
  mayIntroduceStdio: ({ allow_stdio }) => allow_stdio ?? false,
  questionsShrinks: true,
  keepsSnapshot: true,
  maxSilenceSeconds: (config) =>
    maxPauseSeconds(config, defaultIntervalSeconds) + maxReadSeconds * config.records.length + 60,
  open: (config) =>
    async function* (run) {
      const select = createEntrySelector(config)
      const { poll } = createOriginPoller({
        names: config.records,
        timeoutMs: maxReadSeconds * 1000,
        async read(record, signal) {
          const { entries, ttl } = await readService(record, config, signal)
          // A TTL of 0 forbids caching: then the interval decides.
          const expiresMs = ttl ? Math.max(ttl, config.min_ttl) * 1000 : undefined
          return { entries: entries.flatMap((entry) => select(entry) ?? []), expiresMs }
        },
      })
      yield* pollLoop({
        run,
        schedule: await scheduleOf(config, defaultIntervalSeconds),
        poll,
        idle: { type: 'alive', waits: true },
      })
    },
})

type DnsConfig = z.output<typeof dns.config>

/** The servers of one service. Throws if any part of the answer is missing. */
async function readService(record: string, config: DnsConfig, signal: AbortSignal) {
  const { path, tls, timeout, search, nameservers } = config
  const resolver = await loadResolverConfig({ nameservers, search, file: config.resolv_conf })
  const resolveName = (name: string, type: RecordType) =>
    resolveRecords(name, type, { nameservers: resolver.nameservers, timeoutMs: timeout * 1000, signal })

  const names = candidateNames(record, resolver)
  const ttls: number[] = []
  for (const name of names) {
    const services = await resolveName(name, 'SRV')
    if (services.ttl !== undefined) ttls.push(services.ttl)
    const targets = parseSrvTargets(services.records)
    if (services.records.length === 0) continue
    const texts = targets.length === 0 ? undefined : await resolveName(name, 'TXT')
    const attributes = parseTxtAttributes(texts?.records ?? [])
    if (texts && texts.records.length > 0 && texts.ttl !== undefined) ttls.push(texts.ttl)
    const entries = await mapConcurrent(targets, 8, async (target): Promise<Entry> => {
      if (!config.resolve || target.port === 0)
        return srvTargetEntry(target, attributes, { path, tls, record: normalizeDnsName(name) })
      const result = await addressesOf(target, resolveName)
      if ('problem' in result) return { ...result, name: srvTargetName(target) }
      return srvTargetEntry(target, attributes, {
        path,
        tls,
        record: normalizeDnsName(name),
        addresses: result.addresses,
      })
    })
    return { entries, ttl: Math.min(...ttls) }
  }
  return { entries: [], ttl: ttls.length > 0 ? Math.min(...ttls) : undefined }
}

/** The addresses of a target; the problem of a target that cannot be resolved concerns that target only. */
async function addressesOf(
  { host }: SrvTarget,
  resolveName: (name: string, type: RecordType) => Promise<ResolvedRecords>,
): Promise<{ addresses: readonly string[] } | { problem: string }> {
  try {
    // The additional records of the SRV answer are not used: they vary from answer to answer.
    const answers = [await resolveName(host, 'A'), await resolveName(host, 'AAAA')]
    const addresses = answers.flatMap(({ records }) => records.flatMap(({ address }) => address ?? []))
    return addresses.length > 0 ? { addresses: addresses.toSorted() } : { problem: 'the target has no address' }
  } catch (error) {
    return { problem: error instanceof SourceError ? error.message : 'the target cannot be resolved' }
  }
}
