import * as z from 'zod'
import { duration } from '../../model/schema/duration.ts'
import { credentialFields, loadCredentials } from '../http/credentials.ts'
import { createEntrySelector, selectionFields } from '../selection.ts'
import { commonFields, defineSource } from '../source-kind.ts'
import { createRemoteApi } from './remote-api.ts'
import { createRemoteServers } from './remote-servers.ts'
import { followRoster } from './roster-follower.ts'

const usualInterval = 60
const leastSilence = 180

/** Follows another mcp-roster: its servers are found here as well, a moment after they are found there. */
export const roster = defineSource({
  type: 'roster',
  config: () =>
    z.strictObject({
      type: z.literal('roster'),
      ...commonFields(),
      url: z
        .url({ protocol: /^https?$/, error: 'must be a URL of http or https' })
        .max(4096)
        .describe('Where the other roster answers, such as `https://roster.example.org`.'),
      interval: duration({ min: 1, max: 7 * 86_400 })
        .default(usualInterval)
        .describe(
          'Pause between two looks while the other roster cannot be watched. A watched change is seen at once.',
        ),
      trust_health: z
        .boolean()
        .default(false)
        .describe(
          'Whether the other roster’s word on the health of its servers is taken. Otherwise they are checked from here too.',
        ),
      ...selectionFields(),
      ...credentialFields(),
      timeout: duration({ min: 0.05, max: 300 }).default(10).describe('Longest time one request may take in all.'),
      max_bytes: z
        .number()
        .int()
        .min(1024)
        .max(256 * 1024 * 1024)
        .default(16 * 1024 * 1024)
        .describe('Largest answer that is read; a list comes in pages of a thousand servers.'),
      max_servers: z
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .default(100_000)
        .describe('Most servers the other roster may have.'),
    }),
  discovery_method: 'roster',
  reach: 'private',
  mayIntroduceStdio: ({ allow_stdio }) => allow_stdio ?? false,
  questionsShrinks: true,
  keepsSnapshot: true,
  maxSilenceSeconds: ({ interval, timeout }) => Math.max(leastSilence, interval + 20 * timeout + 60),
  open: (config, { httpClient, isOwnInstance = () => false }) => {
    const { timeout, max_bytes: maxBytes, max_servers: most, interval, trust_health: trustHealth } = config
    const url = config.url.replace(/[?#].*$/, '').replace(/\/+$/, '')
    return (run) =>
      followRoster({
        known: createRemoteServers({ url: shown(url), most, select: createEntrySelector(config) }),
        far: createRemoteApi({ url, httpClient, timeoutMs: timeout * 1000, maxBytes }),
        asking: () => loadCredentials(config),
        terms: (far) => ({ far, isOwnInstance, trustHealth }),
        intervalMs: interval * 1000,
      })(run)
  },
})

/** As it may be seen: without a user and a password. */
function shown(text: string): string {
  const url = new URL(text)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/+$/, '')
}
