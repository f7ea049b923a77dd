import * as z from 'zod'
import { AgentLeases, defaultLeases } from '../agents/config.ts'
import { duration } from '../model/schema/duration.ts'
import { configSection } from '../model/schema/lazy-schema.ts'
import { isCidr } from '../outbound/address-guard.ts'

const Cidr = z.string().refine(isCidr, 'must be a network such as 10.0.0.0/8, or an address')

const usual = {
  enabled: true,
  interval: 30,
  agents: defaultLeases,
  timeout: 5,
  max_concurrency: 64,
  max_concurrency_per_host: 2,
  thresholds: { failures: 3, successes: 2 },
  self_preservation: { enabled: true, ratio: 0.5, min_targets: 10, max_duration: 900 },
  deny: [],
}

/** How servers are checked. */
export const HealthConfig = configSection(usual, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(usual.enabled)
      .describe('Whether servers are probed at all. If not, their status is unknown.'),
    interval: duration({ min: 1, max: 86_400 })
      .default(usual.interval)
      .describe(
        'Pause between two probes of a server whose definition names none. An outage may stay unseen three times as long.',
      ),
    agents: AgentLeases.describe('How long agents may be silent.'),
    timeout: duration({ min: 0.1, max: 300 })
      .default(usual.timeout)
      .describe('Deadline of one probe as a whole, however many requests it takes.'),
    max_concurrency: z
      .number()
      .int()
      .min(2)
      .max(4096)
      .default(usual.max_concurrency)
      .describe('Probes under way at once. Half of them are kept for servers that last succeeded or are new.'),
    max_concurrency_per_host: z
      .number()
      .int()
      .min(1)
      .max(4096)
      .default(usual.max_concurrency_per_host)
      .describe('Probes under way at once to one host and port.'),
    thresholds: z
      .strictObject({
        failures: z
          .number()
          .int()
          .min(1)
          .max(100)
          .default(usual.thresholds.failures)
          .describe('Failures in a row that make a server unhealthy.'),
        successes: z
          .number()
          .int()
          .min(1)
          .max(100)
          .default(usual.thresholds.successes)
          .describe('Successes in a row that make a failing server healthy again.'),
      })
      .prefault({}),
    self_preservation: z
      .strictObject({
        enabled: z
          .boolean()
          .default(usual.self_preservation.enabled)
          .describe(
            'Whether the daemon doubts itself, and keeps every status, when most servers begin to fail at once.',
          ),
        ratio: z
          .number()
          .min(0.1)
          .max(1)
          .default(usual.self_preservation.ratio)
          .describe('More than this share of the healthy targets must begin to fail within one interval.'),
        min_targets: z
          .number()
          .int()
          .min(2)
          .default(usual.self_preservation.min_targets)
          .describe('With fewer healthy targets than this it never doubts itself.'),
        max_duration: duration({ min: 1, max: 86_400 })
          .default(usual.self_preservation.max_duration)
          .describe('After this time failures count again.'),
      })
      .prefault({}),
    allow: z
      .array(Cidr)
      .max(256)
      .optional()
      .describe('Only addresses in these networks are probed. Metadata and link-local addresses never are.'),
    deny: z.array(Cidr).max(256).default(usual.deny).describe('Addresses in these networks are not probed.'),
  }),
)
export type HealthConfig = z.output<typeof HealthConfig>
