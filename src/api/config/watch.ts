import * as z from 'zod'
import { configSection } from '../../model/schema/lazy-schema.ts'

const defaultWatch = {
  max_buffer_bytes: 1_048_576,
  max_total_buffer_bytes: 67_108_864,
  max_watchers: 15_000,
  max_watchers_per_token: 5000,
  max_history_bytes: 16_777_216,
}

/** Limits on watches. */
export const WatchConfig = configSection(defaultWatch, () =>
  z.strictObject({
    max_buffer_bytes: z
      .number()
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(defaultWatch.max_buffer_bytes)
      .describe(
        'Maximum bytes that wait for one slow watcher. A watcher further behind is disconnected, and resumes from its last token.',
      ),
    max_total_buffer_bytes: z
      .number()
      .int()
      .min(1_048_576)
      .max(17_179_869_184)
      .default(defaultWatch.max_total_buffer_bytes)
      .describe(
        'Maximum bytes that wait for all slow watchers together. Beyond it the watchers furthest behind are disconnected first.',
      ),
    max_watchers: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(defaultWatch.max_watchers)
      .describe('Maximum number of watchers; a further one gets 503.'),
    max_watchers_per_token: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(defaultWatch.max_watchers_per_token)
      .describe(
        'Maximum number of watchers per token, and of all clients without a token together; a further one gets 429.',
      ),
    max_watchers_per_address: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe(
        'Maximum number of watchers per client address (per /64 network of IPv6); a further one gets 429. Default: half of `max_watchers`, and without a token half of `max_watchers_per_token`. Behind a reverse proxy, set `listen.trusted_proxies`.',
      ),
    max_history_bytes: z
      .number()
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(defaultWatch.max_history_bytes)
      .describe('Bytes of changes kept for watchers that reconnect. A watcher that reconnects later starts over.'),
  }),
)
export type WatchConfig = z.output<typeof WatchConfig>
