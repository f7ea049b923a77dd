import * as z from 'zod'
import { Capability } from '../../model/capability.ts'
import { Reason, Status } from '../../model/health.ts'
import { memoizedSchema } from '../../model/schema/lazy-schema.ts'
import { maxVerdictBytes } from '../../stores/verdict.ts'
import type { Assessment } from '../evaluation/assessment.ts'

const count = () => z.number().int().min(0)

/** What the probes of one target amount to, as its prober tells the other daemons of a store. */
export const SharedVerdict = memoizedSchema(() =>
  z.object({
    verdict: z.object({
      status: z.enum(['pending', 'healthy', 'degraded', 'unhealthy']),
      failures: count(),
      successes: count(),
      proven: z.boolean(),
    }),
    health: z.object({
      status: Status,
      since: z.iso.datetime(),
      reason: Reason.optional(),
      protocol_version: z.string().max(253).optional(),
    }),
    learned: z
      .object({ capabilities: z.array(Capability).optional(), version: z.string().max(253).optional() })
      .optional(),
  }),
)
export type SharedVerdict = z.output<typeof SharedVerdict>

/** The text of what an assessment amounts to; undefined before its first result. Without the tools where they are too many. */
export function encodeVerdict({ verdict, health, learned }: Readonly<Assessment>): string | undefined {
  if (!health) return undefined
  const text = JSON.stringify({ verdict, health, learned })
  return Buffer.byteLength(text) <= maxVerdictBytes ? text : JSON.stringify({ verdict, health })
}

/** The verdict of a text; undefined where another version of this program wrote what this one cannot read. */
export function parseVerdict(text: string): SharedVerdict | undefined {
  try {
    return SharedVerdict.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
