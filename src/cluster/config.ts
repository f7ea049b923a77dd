import * as z from 'zod'
import { duration } from '../model/schema/duration.ts'
import { configSection } from '../model/schema/lazy-schema.ts'

const defaultCluster = { leader_election: true, lease_duration: 15 }
/** The default pause between two renewals, in seconds. */
const defaultRetryPeriod = 2

/** Settings of the daemons that share one database. Their names are those of Kubernetes' leader election. */
export const ClusterConfig = configSection(defaultCluster, () =>
  z
    .strictObject({
      id: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .describe(
          'Name of this daemon among the members. Default: the host name with a random part, other at every start.',
        ),
      address: z
        .url({ protocol: /^https?$/ })
        .max(512)
        .optional()
        .describe(
          'URL at which other members reach this daemon. Default: `POD_IP` and the port, where that variable is set.',
        ),
      key: z
        .string()
        .min(16)
        .max(4096)
        .optional()
        .describe(
          'Secret of all daemons that stand behind one address: tokens of one hold at the others. Default: derived from the database that they share. Needed only where they share none.',
        ),
      leader_election: z
        .boolean()
        .default(defaultCluster.leader_election)
        .describe(
          'Whether one member, the leader, does what needs to be done once: retire agents, remove old events and deletions. If false, every member does; that is safe, and more work for the database.',
        ),
      lease_duration: duration({ min: 0.5, max: 3600 })
        .default(defaultCluster.lease_duration)
        .describe('Time after its last renewal at which a member counts as dead.'),
      renew_deadline: duration({ min: 0.3, max: 3600 })
        .optional()
        .describe(
          'Time without a renewal after which a member itself stops acting as one. Shorter than `lease_duration`; default: two thirds of it.',
        ),
      retry_period: duration({ min: 0.1, max: 600 })
        .optional()
        .describe('Pause between two renewals. Shorter than `renew_deadline`; default: a fifth of it, at most 2 s.'),
    })
    .refine((settings) => renewalTimes(settings).renewDeadline < settings.lease_duration, {
      path: ['renew_deadline'],
      message: 'must be shorter than lease_duration: a member stops before others take over',
    })
    .refine((settings) => renewalTimes(settings).retryPeriod < renewalTimes(settings).renewDeadline, {
      path: ['retry_period'],
      message: 'must be shorter than renew_deadline: one missed renewal is no failure',
    }),
)
export type ClusterConfig = z.output<typeof ClusterConfig>

type Renewal = {
  readonly lease_duration: number
  readonly renew_deadline?: number | undefined
  readonly retry_period?: number | undefined
}

/** When a member renews and stops acting as one, in seconds. */
export function renewalTimes({ lease_duration, renew_deadline, retry_period }: Renewal): {
  readonly renewDeadline: number
  readonly retryPeriod: number
} {
  const renewDeadline = renew_deadline ?? (lease_duration * 2) / 3
  return { renewDeadline, retryPeriod: retry_period ?? Math.min(defaultRetryPeriod, renewDeadline / 5) }
}

/** A warning where an election was asked for by name and the store has no other daemon. */
export function electionWarning({
  isAsked,
  storeType,
}: {
  isAsked: boolean
  storeType: 'memory' | 'sqlite' | 'postgres' | 'mysql'
}): string | undefined {
  if (!isAsked || isSharedStore(storeType)) return undefined
  return (
    `cluster.leader_election is on, but the store (${storeType}) belongs to this daemon alone: several daemons need one ` +
    'PostgreSQL or MySQL database, named by store.url; with one daemon, set cluster.leader_election to false'
  )
}

/** Whether several daemons are meant to use a store together. */
export function isSharedStore(type: 'memory' | 'sqlite' | 'postgres' | 'mysql'): boolean {
  return type === 'postgres' || type === 'mysql'
}
