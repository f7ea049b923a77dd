import * as z from 'zod'
import { configSection } from '../model/schema/lazy-schema.ts'

const usual = { enabled: true, default_format: 'prometheus' as const }

/** What is told to Prometheus, and where. */
export const Metrics = configSection(usual, () =>
  z.strictObject({
    enabled: z.boolean().default(usual.enabled).describe('Off: `/metrics` is a 404 and nothing is counted for it.'),
    default_format: z
      .enum(['prometheus', 'json'])
      .default(usual.default_format)
      .describe('What `/metrics` answers to a client that does not say what it wants.'),
    port: z
      .number()
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe('Serve the metrics, as Prometheus text and nothing else, on a port of their own as well.'),
  }),
)
export type Metrics = z.output<typeof Metrics>
