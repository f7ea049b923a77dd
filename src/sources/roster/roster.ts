import * as z from 'zod'
import { duration } from '../../model/schema/duration.ts'
import { credentialFields, loadCredentials } from '../http/credentials.ts'
import { createEntrySelector, selectionFields } from '../selection.ts'
import { commonFields, defineSource } from '../source-kind.ts'
import { createRemoteApi } from './remote-api.ts'
import { createRemoteServers } from './remote-servers.ts'
import { followRoster } from './roster-follower.ts'

const defaultIntervalSeconds = 60
const minSilenceSeconds = 180

/** Default of the bytes of all documents together. */
const defaultMaxTotalBytes = 128 * 1024 * 1024

/** Follows another mcp-roster: its servers appear here too, a moment after they appear there. */
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
        .default(defaultIntervalSeconds)
        .describe(
          'Pause between two polls while the other roster cannot be watched. A watched change is seen at once.',
        ),
      trust_health: z
        .boolean()
        .default(false)
        .describe(
          'Whether to take the health of its servers from the other roster. Otherwise this one probes them too.',
        ),
      ...selectionFields(),
      ...credentialFields(),
      timeout: duration({ min: 0.05, max: 300 }).default(10).describe('Maximum duration of one request.'),
      max_bytes: z
        .number()
        .int()
        .min(1024)
        .max(256 * 1024 * 1024)
        .default(16 * 1024 * 1024)
        .describe('Maximum bytes of one response; a list comes in pages of a thousand servers.'),
      max_total_bytes: z
        .number()
        .int()
        .min(1024)
        .max(16 * 1024 * 1024 * 1024)
        .default(defaultMaxTotalBytes)
        .describe('Maximum bytes of all servers of the other roster together.'),
      max_servers: z
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .default(100_000)
        .describe('Maximum number of servers of the other roster.'),
    }),
  discovery_method: 'roster',
  reach: 'private',
  mayIntroduceStdio: ({ allow_stdio }) => allow_stdio ?? false,
  questionsShrinks: true,
  keepsSnapshot: true,
  addedSettings: { max_total_bytes: defaultMaxTotalBytes },
  maxSilenceSeconds: ({ interval, timeout }) => Math.max(minSilenceSeconds, interval + 20 * timeout + 60),
  open: (config, { httpClient, isOwnInstance = () => false }) => {
    const {
      timeout,
      max_bytes: maxBytes,
      max_servers: maxServers,
      max_total_bytes: maxTotalBytes,
      interval,
      trust_health: trustHealth,
    } = config
    const url = config.url.replace(/[?#].*$/s, '').replace(/(?<!\/)\/+$/, '')
    return (run) =>
      followRoster({
        servers: createRemoteServers({
          url: withoutCredentials(url),
          maxServers,
          maxTotalBytes,
          select: createEntrySelector(config),
        }),
        remote: createRemoteApi({ url, httpClient, timeoutMs: timeout * 1000, maxBytes, maxTotalBytes }),
        loadCredentials: () => loadCredentials(config),
        transferOptions: (remoteInstance) => ({ remoteInstance, isOwnInstance, trustHealth }),
        intervalMs: interval * 1000,
      })(run)
  },
})

/** The URL without user and password. */
function withoutCredentials(text: string): string {
  const url = new URL(text)
  url.username = ''
  url.password = ''
  return url.href.replace(/(?<!\/)\/+$/, '')
}
