import * as z from 'zod'
import { duration } from '../../model/schema/duration.ts'
import { configSection } from '../../model/schema/lazy-schema.ts'
import { Rate } from './auth.ts'

const defaultLimits = {
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

/** Limits on requests and connections. */
export const Limits = configSection(defaultLimits, () =>
  z.strictObject({
    max_body_bytes: z
      .number()
      .int()
      .min(1024)
      .max(104_857_600)
      .default(defaultLimits.max_body_bytes)
      .describe(
        'Maximum bytes of a request body; a longer one gets 413. Registrations and heartbeats are limited to 2 MiB in any case, server definitions to 256 KiB.',
      ),
    max_header_bytes: z
      .number()
      .int()
      .min(1024)
      .max(1_048_576)
      .default(defaultLimits.max_header_bytes)
      .describe('Maximum bytes of a request header with its first line; a longer one gets 431.'),
    max_url_length: z
      .number()
      .int()
      .min(256)
      .max(1_048_576)
      .default(defaultLimits.max_url_length)
      .describe('Maximum characters of a request target (path and query); a longer one gets 414.'),
    max_parameters: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(defaultLimits.max_parameters)
      .describe('Maximum number of query parameters; more get 400.'),
    rate: Rate.optional().describe('Request rate per token, and per address without a token. Default: unlimited.'),
    max_connections: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(defaultLimits.max_connections)
      .describe('Maximum number of open connections; further ones are closed at once.'),
    header_timeout: duration({ min: 1, max: 600 })
      .default(defaultLimits.header_timeout)
      .describe('Maximum time for a request header to arrive.'),
    request_timeout: duration({ min: 1, max: 3600 })
      .default(defaultLimits.request_timeout)
      .describe('Maximum time for a whole request to arrive.'),
    keep_alive: duration({ min: 0, max: 3600 })
      .default(defaultLimits.keep_alive)
      .describe('How long a connection stays open between requests.'),
    idle_timeout: duration({ min: 10, max: 86_400 })
      .default(defaultLimits.idle_timeout)
      .describe('Time without any byte read or written after which a connection is closed, also during a response.'),
  }),
)
export type Limits = z.output<typeof Limits>
