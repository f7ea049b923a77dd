import * as z from 'zod'
import { duration } from '../model/schema/duration.ts'
import { configSection } from '../model/schema/lazy-schema.ts'

/** Where the config says nothing. Seconds, but for counts of agents and a `ratio`. */
export const defaultLeases = {
  timeout_threshold: 60,
  eviction_threshold: 120,
  retention: 3600,
  max_agents: 200_000,
  self_preservation: { enabled: true, min_agents: 10, ratio: 0.5, max_duration: 900 },
}

/** How long agents may be silent. */
export const AgentLeases = configSection(defaultLeases, () =>
  z.strictObject({
    timeout_threshold: duration({ min: 1, max: 86_400 })
      .default(defaultLeases.timeout_threshold)
      .describe(
        'An agent that names no threshold of its own is `unhealthy` after this long without a heartbeat; one of the type `file-agent`, `worker` or `critical` after 90, 45 or 30 s.',
      ),
    eviction_threshold: duration({ min: 1, max: 604_800 })
      .default(defaultLeases.eviction_threshold)
      .describe(
        'And `offline` after this long (those types: 180, 90, 60 s), or after twice its timeout where that is longer.',
      ),
    retention: duration({ min: 1 })
      .default(defaultLeases.retention)
      .describe('An agent that is not heard for this long is forgotten.'),
    max_agents: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .default(defaultLeases.max_agents)
      .describe('Most agents; further ones are refused.'),
    self_preservation: z
      .strictObject({
        enabled: z
          .boolean()
          .default(defaultLeases.self_preservation.enabled)
          .describe('Off: whoever falls silent lapses, however many they are.'),
        min_agents: z
          .number()
          .int()
          .min(2)
          .default(defaultLeases.self_preservation.min_agents)
          .describe('Fewer living agents than this are always believed dead.'),
        ratio: z
          .number()
          .min(0.05)
          .max(1)
          .default(defaultLeases.self_preservation.ratio)
          .describe('The part of the agents that lapses within one timeout.'),
        max_duration: duration({ min: 1, max: 86_400 })
          .default(defaultLeases.self_preservation.max_duration)
          .describe('It ends after this long at the latest.'),
      })
      .prefault({})
      .describe(
        'When more than `ratio` of all agents fall silent at once, the network is rather to blame: none lapses.',
      ),
  }),
)
export type AgentLeases = z.output<typeof AgentLeases>
