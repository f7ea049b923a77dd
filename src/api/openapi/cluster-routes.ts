import * as z from 'zod'
import type { RouteDoc } from './route-doc.ts'

const MemberShape = z
  .object({
    id: z.string().describe('`cluster.id`, else the host name with a random part.'),
    is_self: z.boolean().describe('The daemon that answers.'),
    is_leader: z.boolean(),
    build: z.string().describe('Its version of mcp-roster.'),
    schema: z.int().optional().describe('The schema version of the database that it knows.'),
    address: z.string().optional().describe('Where other members reach it; shown to administrators.'),
    targets: z
      .int()
      .describe(
        'Targets that it probes, of those that the answering daemon knows; of another member, those whose last result it told.',
      ),
    joined_at: z.string(),
    renewed_seconds_ago: z.number().optional(),
  })
  .meta({ id: 'Member' })

const lagSeconds = z
  .number()
  .optional()
  .describe(
    'Time since the answering daemon last read what others wrote to the store; it reads at least every `store.poll`.',
  )

const TakeoverShape = z
  .object({
    at: z.string(),
    from: z.string().describe('The member that had the duties before.'),
    of: z.enum(['leader', 'targets']).describe('`targets`: it is gone and did not lead; others probe its targets.'),
  })
  .meta({ id: 'Takeover' })

const ClusterShape = z
  .object({
    store: z.enum(['memory', 'sqlite', 'postgres', 'mysql']),
    shared: z.boolean().describe('Several daemons may use the store; else this one is alone, and leads.'),
    id: z.string().describe('The daemon that answers.'),
    is_member: z
      .boolean()
      .describe(
        'It has renewed its membership in time. If not, it names no members and no leader, and its duties rest.',
      ),
    is_leader: z.boolean(),
    leader_election: z.boolean().describe('Otherwise there is no leader, and every member has its duties.'),
    leader: z.string().nullable().describe('Its id.'),
    leader_since: z.string().optional().describe('When this daemon saw it become the leader.'),
    members: z.array(MemberShape).describe('The live daemons, by id.'),
    count: z.int(),
    unowned_targets: z
      .int()
      .describe(
        'Known targets of which no live member has told a result: new ones, and those of a member that is gone.',
      ),
    lag_seconds: lagSeconds,
    last_takeover: TakeoverShape.optional().describe('The last one that the answering daemon saw.'),
    lease_duration: z.number().describe('Seconds after its last renewal at which a member counts as dead.'),
    renew_deadline: z.number(),
    retry_period: z.number(),
  })
  .meta({ id: 'Cluster' })

/** The part of `GET /health` about the members. */
export const ClusterHealth = z
  .object({
    members: z.int(),
    is_member: z.boolean(),
    is_leader: z.boolean(),
    owned_targets: z.int().describe('Targets that this daemon probes.'),
    lag_seconds: lagSeconds,
  })
  .describe('Where several daemons may share the store: the live ones as this one sees them.')

/** The routes about the daemons on one database. */
export const clusterRoutes: Readonly<Record<string, RouteDoc>> = {
  'GET /cluster': {
    summary: 'The daemons that share one database, and which of them leads',
    group: 'operations',
    response: ClusterShape,
  },
}
