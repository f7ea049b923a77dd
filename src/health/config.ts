import * as z from 'zod'
import { AgentLeases } from '../agents/config.ts'
import { isCidr } from '../flow/address.ts'
import { duration } from '../model/duration.ts'

const Cidr = z.string().refine(isCidr, 'must be a network such as 10.0.0.0/8, or an address')

/** How servers are checked. */
export const HealthConfig = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether servers are probed at all. If not, their status is unknown.'),
  interval: duration({ min: 1, max: 86_400 })
    .default(30)
    .describe(
      'Pause between two probes of a server whose definition names none. An outage may stay unseen three times as long.',
    ),
  agents: AgentLeases.prefault({}).describe('How long agents may be silent.'),
  timeout: duration({ min: 0.1, max: 300 })
    .default(5)
    .describe('Deadline of one probe as a whole, however many requests it takes.'),
  concurrency: z
    .number()
    .int()
    .min(2)
    .max(4096)
    .default(64)
    .describe('Probes under way at once. Half of them are kept for servers that last succeeded or are new.'),
  per_host: z.number().int().min(1).max(4096).default(2).describe('Probes under way at once to one host and port.'),
  thresholds: z
    .strictObject({
      failures: z.number().int().min(1).max(100).default(3).describe('Failures in a row that make a server unhealthy.'),
      successes: z
        .number()
        .int()
        .min(1)
        .max(100)
        .default(2)
        .describe('Successes in a row that make a failing server healthy again.'),
    })
    .prefault({}),
  suspicion: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Whether the daemon doubts itself, and keeps every status, when most servers begin to fail at once.'),
      ratio: z
        .number()
        .min(0.1)
        .max(1)
        .default(0.5)
        .describe('More than this share of the healthy targets must begin to fail within one interval.'),
      minimum: z
        .number()
        .int()
        .min(2)
        .default(10)
        .describe('With fewer healthy targets than this it never doubts itself.'),
      longest: duration({ min: 1, max: 86_400 }).default(900).describe('After this time failures count again.'),
    })
    .prefault({}),
  allow: z
    .array(Cidr)
    .max(256)
    .optional()
    .describe('Only addresses in these networks are probed. Metadata and link-local addresses never are.'),
  deny: z.array(Cidr).max(256).default([]).describe('Addresses in these networks are not probed.'),
})
export type HealthConfig = z.output<typeof HealthConfig>
