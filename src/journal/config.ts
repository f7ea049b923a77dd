import * as z from 'zod'
import { duration } from '../model/schema/duration.ts'
import { configSection } from '../model/schema/lazy-schema.ts'

const defaultEvents = { enabled: true, max_rows: 100_000, max_age: 7 * 86_400 }

/** The stored journal of events. */
export const EventsConfig = configSection(defaultEvents, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(defaultEvents.enabled)
      .describe('Whether events are recorded, and shown at `/events`.'),
    max_rows: z
      .number()
      .int()
      .min(100)
      .max(10_000_000)
      .default(defaultEvents.max_rows)
      .describe('Maximum number of stored events; the oldest go first. In memory, at most 10,000.'),
    max_age: duration({ min: 60 }).default(defaultEvents.max_age).describe('Age after which an event is removed.'),
  }),
)
export type EventsConfig = z.output<typeof EventsConfig>
