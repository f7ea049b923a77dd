import * as z from 'zod'

/** What is told to Prometheus, and where. */
export const Metrics = z.strictObject({
  enabled: z.boolean().default(true).describe('Off: `/metrics` is a 404 and nothing is counted for it.'),
  default: z
    .enum(['prometheus', 'json'])
    .default('prometheus')
    .describe('What `/metrics` answers to a client that does not say what it wants.'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Serve the metrics, as Prometheus text and nothing else, on a port of their own as well.'),
})
export type Metrics = z.output<typeof Metrics>
