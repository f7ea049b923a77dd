import * as z from 'zod'
import { duration } from '../model/duration.ts'

/** How long agents may be silent. */
export const AgentLeases = z.strictObject({
  timeout_threshold: duration({ min: 1, max: 86_400 })
    .default(60)
    .describe('An agent that names no threshold of its own is `unhealthy` after this long without a heartbeat.'),
  eviction_threshold: duration({ min: 1, max: 604_800 }).default(120).describe('And `offline` after this long.'),
  retention: duration({ min: 1 }).default(3600).describe('An agent that is not heard for this long is forgotten.'),
  most: z.number().int().min(1).max(10_000_000).default(200_000).describe('Most agents; further ones are refused.'),
  preservation: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Off: whoever falls silent lapses, however many they are.'),
      least: z.number().int().min(2).default(10).describe('Fewer living agents than this are always believed dead.'),
      ratio: z
        .number()
        .min(0.05)
        .max(1)
        .default(0.5)
        .describe('The part of the agents that lapses within one timeout.'),
      most: duration({ min: 1, max: 86_400 }).default(900).describe('It ends after this long at the latest.'),
    })
    .prefault({})
    .describe('When more than `ratio` of all agents fall silent at once, the network is rather to blame: none lapses.'),
})
export type AgentLeases = z.output<typeof AgentLeases>
