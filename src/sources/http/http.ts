import * as z from 'zod'
import { pollLoop } from '../../flow/poll-loop.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import { duration } from '../../model/schema/duration.ts'
import type { Entry } from '../../model/source.ts'
import { createOriginPoller } from '../origin-poller.ts'
import { maxPauseSeconds, checkSchedule, scheduleFields, scheduleOf } from '../schedule-fields.ts'
import { isLoop, createEntrySelector, selectionFields } from '../selection.ts'
import { commonFields, defineSource } from '../source-kind.ts'
import { credentialFields, loadCredentials } from './credentials.ts'
import { createDirectoryReader } from './directory-reader.ts'

const usualInterval = 60

/** A directory of many pages may take this many times as long as one request. */
const mostRequests = 60

/** Between two ticks of a schedule, an answer counts as fresh no longer than this. */
const longestFreshMs = 60_000

const Url = z.lazy(() => z.url({ protocol: /^https?$/, error: 'must be a URL of http or https' }).max(4096))
const Cidr = z.lazy(() => z.union([z.cidrv4(), z.cidrv6()], 'must be a network, such as 10.0.0.0/8 or 192.0.2.7/32'))

/** Reads directories of servers over HTTP: any document a file may hold, the official registry's API, a domain's catalogue. */
export const http = defineSource({
  type: 'http',
  config: () =>
    z
      .strictObject({
        type: z.literal('http'),
        ...commonFields(),
        url: Url.optional().describe(
          'Where servers are listed: a document of any known form, a registry (its base or its list), or a bare domain.',
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
        timeout: duration({ min: 0.05, max: 300 }).default(10).describe('Longest time one request may take in all.'),
        max_bytes: z
          .number()
          .int()
          .min(1)
          .max(256 * 1024 * 1024)
          .default(5 * 1024 * 1024)
          .describe('Largest body that is read, on the wire and unpacked.'),
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
  maxSilenceSeconds: ({ timeout, ...config }) =>
    maxPauseSeconds(config, usualInterval) + timeout * mostRequests * (config.urls?.length ?? 1) + 60,
  open: (config, { httpClient, isOwnInstance = () => false }) =>
    async function* (run) {
      const { url, urls = [], timeout, max_bytes: maxBytes, well_known, follow_hosts: hosts, allow, deny } = config
      const chosen = createEntrySelector(config)
      const select = (entry: Entry) => (isLoop(entry, isOwnInstance) ? undefined : chosen(entry))
      const directories = new Map(
        (url === undefined ? urls : [url]).map((one, index, all) => {
          const directory = createDirectoryReader({ url: one, httpClient, maxBytes, well_known, hosts, select })
          return [originOf(one, index, all), directory] as const
        }),
      )
      const longestFresh = config.interval === undefined ? longestFreshMs : config.interval * 1000
      const { look } = createOriginPoller({
        names: [...directories.keys()],
        limitMs: timeout * 1000 * mostRequests,
        async read(origin, signal) {
          const terms = { ...(await loadCredentials(config)), ...(allow && { allow }), ...(deny && { deny }) }
          const found = await directories
            .get(origin)
            ?.read({ ...terms, reach: 'any', timeoutMs: timeout * 1000 }, signal)
          return { ...found, notBeforeMs: Math.min(found?.notBeforeMs ?? 0, longestFresh) }
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

/** The URL as it may be shown; two that differ only in what is hidden are told apart by their place in the config. */
function originOf(url: string, index: number, all: readonly string[]): string {
  const shown = redactText(url)
  return all.filter((other) => redactText(other) === shown).length > 1 ? `${shown} (${index + 1})` : shown
}
