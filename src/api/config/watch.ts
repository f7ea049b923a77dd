import * as z from 'zod'
import { configSection } from '../../model/schema/lazy-schema.ts'

const usualWatch = {
  max_buffer_bytes: 1_048_576,
  max_watchers: 15_000,
  max_watchers_per_token: 5000,
  max_history_bytes: 16_777_216,
}

/** How much watchers may ask of the daemon. */
export const WatchConfig = configSection(usualWatch, () =>
  z.strictObject({
    max_buffer_bytes: z
      .number()
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(usualWatch.max_buffer_bytes)
      .describe('What may wait for one slow watcher. One that falls further behind is cut and resumes.'),
    max_watchers: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(usualWatch.max_watchers)
      .describe('Most watchers. A further one is a 503.'),
    max_watchers_per_token: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(usualWatch.max_watchers_per_token)
      .describe('Most watchers of one token. A further one is a 429.'),
    max_history_bytes: z
      .number()
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(usualWatch.max_history_bytes)
      .describe('Changes kept for watchers that come back. One that comes later begins anew.'),
  }),
)
export type WatchConfig = z.output<typeof WatchConfig>
