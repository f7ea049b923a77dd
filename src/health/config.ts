import * as z from 'zod'
import { AgentLeases, defaultLeases } from '../agents/config.ts'
import { duration } from '../model/schema/duration.ts'
import { configSection } from '../model/schema/lazy-schema.ts'
import { isCidr } from '../outbound/address-guard.ts'

const Cidr = z.string().refine(isCidr, 'must be a network such as 10.0.0.0/8, or an address')

const defaults = {
  enabled: true,
  interval: 30,
  share: true,
  agents: defaultLeases,
  timeout: 5,
  max_concurrency: 64,
  max_concurrency_per_host: 2,
  thresholds: { failures: 3, successes: 2 },
  self_preservation: { enabled: true, ratio: 0.5, min_targets: 10, max_duration: 900 },
  deny: [],
  stdio: [],
  commands: { interval: 300, timeout: 20, max_concurrency: 2, max_memory_mb: 512 },
}

/** Settings of probes and leases. */
export const HealthConfig = configSection(defaults, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(defaults.enabled)
      .describe('Whether servers are probed. If false, their status is unknown.'),
    interval: duration({ min: 1, max: 86_400 })
      .default(defaults.interval)
      .describe(
        'Pause between two probes of a server whose definition names none. An outage may go unnoticed for three times as long.',
      ),
    share: z
      .boolean()
      .default(defaults.share)
      .describe(
        'Whether daemons on one PostgreSQL or MySQL database share their probes: each target is probed by one of them. If false, or while the database is away, each probes everything itself.',
      ),
    agents: AgentLeases.describe('How long agents may go without a heartbeat.'),
    timeout: duration({ min: 0.1, max: 300 })
      .default(defaults.timeout)
      .describe('Deadline of a whole probe, all its requests together.'),
    max_concurrency: z
      .number()
      .int()
      .min(2)
      .max(4096)
      .default(defaults.max_concurrency)
      .describe(
        'Maximum number of probes in flight. Half of them are reserved for servers that are new or whose last probe succeeded.',
      ),
    max_concurrency_per_host: z
      .number()
      .int()
      .min(1)
      .max(4096)
      .default(defaults.max_concurrency_per_host)
      .describe('Maximum number of probes in flight to one host and port.'),
    thresholds: z
      .strictObject({
        failures: z
          .number()
          .int()
          .min(1)
          .max(100)
          .default(defaults.thresholds.failures)
          .describe('Consecutive failures after which a server is unhealthy.'),
        successes: z
          .number()
          .int()
          .min(1)
          .max(100)
          .default(defaults.thresholds.successes)
          .describe('Consecutive successes after which a failing server is healthy again.'),
      })
      .prefault({}),
    self_preservation: z
      .strictObject({
        enabled: z
          .boolean()
          .default(defaults.self_preservation.enabled)
          .describe(
            'Whether statuses stay as they are when most servers begin to fail at once: then the network of the daemon is the likelier cause.',
          ),
        ratio: z
          .number()
          .min(0.1)
          .max(1)
          .default(defaults.self_preservation.ratio)
          .describe(
            'Self-preservation starts when more than this share of the healthy targets begins to fail within one interval.',
          ),
        min_targets: z
          .number()
          .int()
          .min(2)
          .default(defaults.self_preservation.min_targets)
          .describe('Self-preservation never starts with fewer healthy targets than this.'),
        max_duration: duration({ min: 1, max: 86_400 })
          .default(defaults.self_preservation.max_duration)
          .describe('Self-preservation ends after this time, and failures count again.'),
      })
      .prefault({}),
    allow: z
      .array(Cidr)
      .max(256)
      .optional()
      .describe(
        'Only addresses in these networks are probed. Servers written by hand are probed on this host only where a network here names it, such as `127.0.0.0/8`; metadata and link-local addresses are never probed.',
      ),
    deny: z.array(Cidr).max(256).default(defaults.deny).describe('Addresses in these networks are not probed.'),
    stdio: z
      .array(z.string().min(1).max(63))
      .max(64)
      .default(defaults.stdio)
      .describe(
        'Names of sources whose commands are probed: THE DAEMON THEN RUNS EVERY ENABLED COMMAND OF THESE SOURCES, with its own rights, at each interval. Only sources of the types `file` and `env`, and `kubernetes` where named; commands of other sources, of agents and of servers written by hand are never run.',
      ),
    commands: z
      .strictObject({
        interval: duration({ min: 10, max: 86_400 })
          .default(defaults.commands.interval)
          .describe(
            'Pause between two probes of a command whose definition names no `health_check_interval`. At least 10 s.',
          ),
        timeout: duration({ min: 1, max: 300 })
          .default(defaults.commands.timeout)
          .describe('Time from the start of a command until it has answered everything; then it is ended.'),
        max_concurrency: z
          .number()
          .int()
          .min(1)
          .max(64)
          .default(defaults.commands.max_concurrency)
          .describe('Maximum number of commands that run at once.'),
        max_memory_mb: z
          .number()
          .int()
          .min(16)
          .max(65_536)
          .default(defaults.commands.max_memory_mb)
          .describe(
            'Maximum resident memory of a command with all processes of its group, in MiB, measured every 0.2 s; not on Windows.',
          ),
      })
      .prefault({})
      .describe('Limits on the commands that `stdio` lets the daemon run.'),
  }),
)
export type HealthConfig = z.output<typeof HealthConfig>
export type CommandLimits = HealthConfig['commands']
