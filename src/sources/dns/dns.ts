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

const usualInterval = 30

/** However many nameservers there are and however slow: longer than this no name is asked for. */
const longestLook = 60

const RecordName = z.lazy(() =>
  z
    .string()
    .max(254)
    .regex(/^([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?$/i, 'must be a name in DNS, such as _mcp._tcp.example.org'),
)

/** Finds servers by the SRV records of names, with what the TXT records beside them say. */
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
            'Names that have SRV records. One with a dot at its end is complete; others may get a search domain.',
          ),
        nameservers: z
          .array(z.string().refine((text) => parseNameserver(text), 'must be an address, with a port if it is not 53'))
          .min(1)
          .max(10)
          .optional()
          .describe('Whom to ask, in this order, instead of those of resolv.conf. No other is ever asked.'),
        search: z.array(RecordName).optional().describe('Search domains instead of those of resolv.conf.'),
        resolv_conf: z.string().default('/etc/resolv.conf').describe('Read again at every look.'),
        resolve: z
          .boolean()
          .default(false)
          .describe('Whether to look up the addresses of the targets, for their metadata.'),
        path: z.string().max(1024).default('/mcp').describe('Path of the servers that name none in a TXT record.'),
        tls: z
          .boolean()
          .optional()
          .describe('Whether servers that do not say so speak TLS; if left out, those on port 443 and 8443 do.'),
        ...scheduleFields(),
        ...selectionFields(),
        timeout: duration({ min: 0.05, max: 30 }).default(2).describe('How long one nameserver may take to answer.'),
        min_ttl: duration({ min: 1, max: 3600 })
          .default(5)
          .describe(
            'A record that lives shorter is looked up again after this time. None is looked up later than due.',
          ),
      })
      .check(checkSchedule),
  discovery_method: 'dns_srv',
  reach: 'private',
  mayIntroduceStdio: ({ allow_stdio }) => allow_stdio ?? false,
  questionsShrinks: true,
  keepsSnapshot: true,
  maxSilenceSeconds: (config) => maxPauseSeconds(config, usualInterval) + longestLook * config.records.length + 60,
  open: (config) =>
    async function* (run) {
      const select = createEntrySelector(config)
      const { look } = createOriginPoller({
        names: config.records,
        limitMs: longestLook * 1000,
        async read(record, signal) {
          const { entries, ttl } = await readService(record, config, signal)
          // A TTL of 0 asks not to be kept at all, which the interval says better.
          const expiresMs = ttl ? Math.max(ttl, config.min_ttl) * 1000 : undefined
          return { entries: entries.flatMap((entry) => select(entry) ?? []), expiresMs }
        },
      })
      yield* pollLoop({
        run,
        schedule: await scheduleOf(config, usualInterval),
        poll: look,
        idle: { type: 'alive', waits: true },
      })
    },
})

type DnsConfig = z.output<typeof dns.config>

/** Everything that the DNS says of one service now; nothing at all if a part of it cannot be known. */
async function readService(record: string, config: DnsConfig, signal: AbortSignal) {
  const { path, tls, timeout, search, nameservers } = config
  const resolving = await loadResolverConfig({ nameservers, search, file: config.resolv_conf })
  const ask = (name: string, type: RecordType) =>
    resolveRecords(name, type, { nameservers: resolving.nameservers, timeoutMs: timeout * 1000, signal })

  const names = candidateNames(record, resolving)
  const ttls: number[] = []
  for (const name of names) {
    const services = await ask(name, 'SRV')
    if (services.ttl !== undefined) ttls.push(services.ttl)
    const targets = parseSrvTargets(services.records)
    if (services.records.length === 0) continue
    const texts = targets.length === 0 ? undefined : await ask(name, 'TXT')
    const said = parseTxtAttributes(texts?.records ?? [])
    if (texts && texts.records.length > 0 && texts.ttl !== undefined) ttls.push(texts.ttl)
    const entries = await mapConcurrent(targets, 8, async (target): Promise<Entry> => {
      if (!config.resolve || target.port === 0)
        return srvTargetEntry(target, said, { path, tls, record: normalizeDnsName(name) })
      const found = await addressesOf(target, ask)
      if ('problem' in found) return { ...found, name: srvTargetName(target) }
      return srvTargetEntry(target, said, { path, tls, record: normalizeDnsName(name), addresses: found.addresses })
    })
    return { entries, ttl: Math.min(...ttls) }
  }
  return { entries: [], ttl: ttls.length > 0 ? Math.min(...ttls) : undefined }
}

/** Where a target is; one that cannot be found does not hurt its neighbours. */
async function addressesOf(
  { host }: SrvTarget,
  ask: (name: string, type: RecordType) => Promise<ResolvedRecords>,
): Promise<{ addresses: readonly string[] } | { problem: string }> {
  try {
    // Those sent along with the answer are not used: which of them are changes from answer to answer.
    const answers = [await ask(host, 'A'), await ask(host, 'AAAA')]
    const addresses = answers.flatMap(({ records }) => records.flatMap(({ address }) => address ?? []))
    return addresses.length > 0 ? { addresses: addresses.toSorted() } : { problem: 'the target has no address' }
  } catch (error) {
    return { problem: error instanceof SourceError ? error.message : 'the target cannot be looked up' }
  }
}
