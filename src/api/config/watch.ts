import * as z from 'zod'
import { configSection } from '../../model/schema/lazy-schema.ts'

const usualWatch = {
  buffer_bytes: 1_048_576,
  watchers: 15_000,
  watchers_per_token: 5000,
  history_bytes: 16_777_216,
}

/** How much watchers may ask of the daemon. */
export const WatchConfig = configSection(usualWatch, () =>
  z.strictObject({
    buffer_bytes: z
      .number()
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(usualWatch.buffer_bytes)
      .describe('What may wait for one slow watcher. One that falls further behind is cut and resumes.'),
    watchers: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(usualWatch.watchers)
      .describe('Most watchers. A further one is a 503.'),
    watchers_per_token: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(usualWatch.watchers_per_token)
      .describe('Most watchers of one token. A further one is a 429.'),
    history_bytes: z
      .number()
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(usualWatch.history_bytes)
      .describe('Changes kept for watchers that come back. One that comes later begins anew.'),
  }),
)
export type WatchConfig = z.output<typeof WatchConfig>
