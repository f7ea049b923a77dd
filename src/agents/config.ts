import * as z from 'zod'
import { duration } from '../model/schema/duration.ts'
import { configSection } from '../model/schema/lazy-schema.ts'

/** Defaults. Durations in seconds. */
export const defaultLeases = {
  timeout_threshold: 60,
  eviction_threshold: 120,
  retention: 3600,
  max_agents: 200_000,
  max_bytes: 67_108_864,
  max_agent_bytes: 1_048_576,
  self_preservation: { enabled: true, min_agents: 10, ratio: 0.5, max_duration: 900 },
}

/** Defaults for agents that register with `tools`: their runtimes send a heartbeat every five seconds. */
export const defaultToolThresholds = { timeout_threshold: 20, eviction_threshold: 60 } as const

/** Leases of agents: silence, retention, limits. */
export const AgentLeases = configSection(defaultLeases, () =>
  z.strictObject({
    timeout_threshold: duration({ min: 1, max: 86_400 })
      .default(defaultLeases.timeout_threshold)
      .describe(
        'Silence after which an agent is `unhealthy`, unless it names its own threshold. Agents of the type `file-agent`, `worker` or `critical` have 90, 45 or 30 s; while this is not set, agents that register with `tools` have 20 s.',
      ),
    eviction_threshold: duration({ min: 1, max: 604_800 })
      .default(defaultLeases.eviction_threshold)
      .describe(
        'Silence after which an agent is `offline` (those types: 180, 90, 60 s; with `tools` 60 s while this is not set); at least twice its timeout.',
      ),
    retention: duration({ min: 1 })
      .default(defaultLeases.retention)
      .describe('Silence after which an agent is removed.'),
    max_agents: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .default(defaultLeases.max_agents)
      .describe('Maximum number of agents; further registrations are rejected.'),
    max_bytes: z
      .number()
      .int()
      .min(0)
      .default(defaultLeases.max_bytes)
      .describe(
        'Maximum bytes of memory that all agents take beyond 16 KiB each: texts count twice, small parts of lists and maps with up to 60 bytes. A registration that would exceed it is rejected; the metadata of a heartbeat that would is not kept.',
      ),
    max_agent_bytes: z
      .number()
      .int()
      .min(1024)
      .default(defaultLeases.max_agent_bytes)
      .describe('Maximum bytes of memory of one agent, counted alike. A larger registration is rejected.'),
    self_preservation: z
      .strictObject({
        enabled: z
          .boolean()
          .default(defaultLeases.self_preservation.enabled)
          .describe('Whether leases are kept when many expire at once.'),
        min_agents: z
          .number()
          .int()
          .min(2)
          .default(defaultLeases.self_preservation.min_agents)
          .describe('Minimum number of living agents for self-preservation.'),
        ratio: z
          .number()
          .min(0.05)
          .max(1)
          .default(defaultLeases.self_preservation.ratio)
          .describe('Share of the living agents whose leases must expire within one timeout.'),
        max_duration: duration({ min: 1, max: 86_400 })
          .default(defaultLeases.self_preservation.max_duration)
          .describe('Maximum duration of self-preservation.'),
      })
      .prefault({})
      .describe(
        'When more than `ratio` of the agents fall silent at once, the network has probably failed: no lease expires.',
      ),
  }),
)
export type AgentLeases = z.output<typeof AgentLeases>
