import * as z from 'zod'
import { duration } from '../../model/schema/duration.ts'
import { configSection } from '../../model/schema/lazy-schema.ts'

/** When the daemon counts as ready. */
export const ReadyConfig = configSection({ require: [], timeout: 30 }, () =>
  z.strictObject({
    require: z
      .array(z.string().min(1).max(63))
      .max(1000)
      .default([])
      .describe(
        'Sources without whose first answer `/ready` stays 503, however long. Default: none; then the timeout ends the wait.',
      ),
    timeout: duration({ max: 3600 })
      .default(30)
      .describe('Time after the start when `/ready` is 200 even if a source has not answered.'),
  }),
)
export type ReadyConfig = z.output<typeof ReadyConfig>
