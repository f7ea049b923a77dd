import * as z from 'zod'
import { pollLoop } from '../../flow/poll-loop.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import { duration } from '../../model/schema/duration.ts'
import type { Entry } from '../../model/source.ts'
import { createParseQueue } from '../documents/parse-queue.ts'
import { createOriginPoller } from '../origin-poller.ts'
import { maxPauseSeconds, checkSchedule, scheduleFields, scheduleOf } from '../schedule-fields.ts'
import { isLoop, createEntrySelector, selectionFields } from '../selection.ts'
import { commonFields, defineSource } from '../source-kind.ts'
import { credentialFields, loadCredentials } from './credentials.ts'
import { createDirectoryReader } from './directory-reader.ts'

const defaultIntervalSeconds = 60
const defaultMaxBytes = 5 * 1024 * 1024

/** Maximum duration of one read of a directory, as a multiple of the request timeout. */
const maxTimeoutsPerRead = 60

/** Maximum freshness, in milliseconds, that a response can claim between two ticks of a schedule. */
const maxScheduledFreshMs = 60_000

const Url = z.lazy(() => z.url({ protocol: /^https?$/, error: 'must be a URL of http or https' }).max(4096))
const Cidr = z.lazy(() => z.union([z.cidrv4(), z.cidrv6()], 'must be a network, such as 10.0.0.0/8 or 192.0.2.7/32'))

/** Default of the bytes of all documents together. */
const defaultMaxTotalBytes = 64 * 1024 * 1024

/** Reads directories of servers over HTTP: any document that a file may hold, the official registry's API, a domain's catalogue. */
export const http = defineSource({
  type: 'http',
  config: () =>
    z
      .strictObject({
        type: z.literal('http'),
        ...commonFields(),
        url: Url.optional().describe(
          'Where servers are listed: a document of any known format, a registry (its base or its list), or a bare domain.',
        ),
        urls: z.array(Url).min(1).max(100).optional().describe('Several of them, in order of precedence.'),
        well_known: z
          .boolean()
          .default(false)
          .describe(
            'Whether to look only at the well-known addresses of the domain, such as /.well-known/ai-catalog.json.',
          ),
        follow_hosts: z
          .array(z.string().min(1).max(253))
          .default([])
          .describe("Hosts besides the directory's own whose server cards are fetched; `*` stands for anything."),
        ...scheduleFields(),
        ...selectionFields(),
        ...credentialFields(),
        allow: z.array(Cidr).min(1).optional().describe('Only addresses in these networks are called.'),
        deny: z.array(Cidr).min(1).optional().describe('Addresses in these networks are never called.'),
        timeout: duration({ min: 0.05, max: 300 }).default(10).describe('Maximum duration of one request.'),
        max_bytes: z
          .number()
          .int()
          .min(1)
          .max(256 * 1024 * 1024)
          .default(defaultMaxBytes)
          .describe(
            'Maximum bytes of a body, on the wire and once decoded. YAML of more than about 700 kB is parsed only where this is raised above the default; JSON needs no more.',
          ),
        max_total_bytes: z
          .number()
          .int()
          .min(1024)
          .max(16 * 1024 * 1024 * 1024)
          .default(defaultMaxTotalBytes)
          .describe('Maximum bytes of all pages and linked documents of one directory together, decoded.'),
      })
      .check(checkSchedule)
      .refine(({ url, urls }) => (url === undefined) !== (urls === undefined), {
        path: ['url'],
        error: 'give url, or urls',
      }),
  discovery_method: 'http_discovery',
  reach: 'private',
  mayIntroduceStdio: ({ allow_stdio }) => allow_stdio ?? false,
  questionsShrinks: true,
  keepsSnapshot: true,
  addedSettings: { max_total_bytes: defaultMaxTotalBytes },
  maxSilenceSeconds: ({ timeout, ...config }) =>
    maxPauseSeconds(config, defaultIntervalSeconds) + timeout * maxTimeoutsPerRead * (config.urls?.length ?? 1) + 60,
  open: (config, { httpClient, isOwnInstance = () => false }) =>
    async function* (run) {
      const {
        url,
        urls = [],
        timeout,
        max_bytes: maxBytes,
        max_total_bytes: maxTotalBytes,
        well_known,
        follow_hosts: hosts,
        allow,
        deny,
      } = config
      const selectEntry = createEntrySelector(config)
      const select = (entry: Entry) => (isLoop(entry, isOwnInstance) ? undefined : selectEntry(entry))
      const parse = createParseQueue(maxBytes > defaultMaxBytes ? 'raised' : 'remote')
      const directories = new Map(
        (url === undefined ? urls : [url]).map((directoryUrl, index, all) => {
          const directory = createDirectoryReader({
            url: directoryUrl,
            httpClient,
            maxBytes,
            maxTotalBytes,
            well_known,
            hosts,
            select,
            parse,
          })
          return [originOf(directoryUrl, index, all), directory] as const
        }),
      )
      const maxFreshMs = config.interval === undefined ? maxScheduledFreshMs : config.interval * 1000
      const { poll } = createOriginPoller({
        names: [...directories.keys()],
        timeoutMs: timeout * 1000 * maxTimeoutsPerRead,
        async read(origin, signal) {
          const options = { ...(await loadCredentials(config)), ...(allow && { allow }), ...(deny && { deny }) }
          const result = await directories
            .get(origin)
            ?.read({ ...options, reach: 'any', timeoutMs: timeout * 1000 }, signal)
          return { ...result, notBeforeMs: Math.min(result?.notBeforeMs ?? 0, maxFreshMs) }
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

/** The URL without its secrets. URLs that differ only in secrets get their position in the config. */
function originOf(url: string, index: number, all: readonly string[]): string {
  const redacted = redactText(url)
  return all.filter((other) => redactText(other) === redacted).length > 1 ? `${redacted} (${index + 1})` : redacted
}
