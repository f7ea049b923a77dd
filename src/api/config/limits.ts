import * as z from 'zod'
import { duration } from '../../model/schema/duration.ts'
import { configSection } from '../../model/schema/lazy-schema.ts'
import { Rate } from './auth.ts'

const usualLimits = {
  max_body_bytes: 1_048_576,
  max_header_bytes: 16_384,
  max_url_length: 8192,
  max_parameters: 100,
  max_connections: 20_000,
  header_timeout: 10,
  request_timeout: 60,
  keep_alive: 75,
  idle_timeout: 120,
}

/** How much one request may ask of the daemon. */
export const Limits = configSection(usualLimits, () =>
  z.strictObject({
    max_body_bytes: z
      .number()
      .int()
      .min(1024)
      .max(104_857_600)
      .default(usualLimits.max_body_bytes)
      .describe(
        'Longest body of a request. A longer one is a 413. What registers, beats or writes a server is 256 KiB at most, whatever stands here.',
      ),
    max_header_bytes: z
      .number()
      .int()
      .min(1024)
      .max(1_048_576)
      .default(usualLimits.max_header_bytes)
      .describe('Longest header of a request, its first line included. A longer one is a 431.'),
    max_url_length: z
      .number()
      .int()
      .min(256)
      .max(1_048_576)
      .default(usualLimits.max_url_length)
      .describe('Longest target. A longer one is a 414.'),
    max_parameters: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(usualLimits.max_parameters)
      .describe('Most query parameters of a request.'),
    rate: Rate.optional().describe(
      'How often one token may ask, and one address without a token. Default: as often as it likes.',
    ),
    max_connections: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(usualLimits.max_connections)
      .describe('Most open connections. Further ones are closed at once.'),
    header_timeout: duration({ min: 1, max: 600 })
      .default(usualLimits.header_timeout)
      .describe('How long the header of a request may take.'),
    request_timeout: duration({ min: 1, max: 3600 })
      .default(usualLimits.request_timeout)
      .describe('How long a whole request may take to arrive.'),
    keep_alive: duration({ min: 0, max: 3600 })
      .default(usualLimits.keep_alive)
      .describe('How long an idle connection is kept open.'),
    idle_timeout: duration({ min: 10, max: 86_400 })
      .default(usualLimits.idle_timeout)
      .describe('A connection on which nothing moves for this long is cut, however slowly its other side reads.'),
  }),
)
export type Limits = z.output<typeof Limits>
