import * as z from 'zod'
import { configSection } from '../model/schema/lazy-schema.ts'

const defaults = { enabled: true, default_format: 'prometheus' as const, max_servers: 1000 }

/** Format and port of the metrics. */
export const Metrics = configSection(defaults, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(defaults.enabled)
      .describe('If false, `/metrics` is a 404 and nothing is counted for it.'),
    default_format: z
      .enum(['prometheus', 'json'])
      .default(defaults.default_format)
      .describe('Format of `/metrics` for clients without a matching `Accept` header.'),
    max_servers: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(defaults.max_servers)
      .describe(
        'Number of servers above which none has metrics of its own (status, response time, failed probes), so that Prometheus is not flooded.',
      ),
    port: z
      .number()
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe('Additional port that serves the metrics alone, as Prometheus text.'),
  }),
)
export type Metrics = z.output<typeof Metrics>
