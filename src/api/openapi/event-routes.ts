import * as z from 'zod'
import { eventTypes } from '../../journal/event.ts'
import { queryStatuses, type QueryDoc, type RouteDoc } from './route-doc.ts'

/** The parameters of `GET /events`. */
const eventParameters: readonly QueryDoc[] = [
  {
    name: 'type',
    description: `Only events of this type; repeat it for any of several: ${eventTypes.map((type) => `\`${type}\``).join(', ')}, or a name of the mesh registry: \`register\`, \`unregister\`, \`unhealthy\`, \`expire\`, \`update\`, \`dependency_resolved\`, \`dependency_unresolved\`.`,
  },
  { name: 'agent_id', description: 'Only events of this agent.' },
  {
    name: 'server',
    description: 'Only events of this server: `namespace/name`, or a name in the namespace `default`.',
  },
  { name: 'namespace', description: 'Only events of this namespace; repeat it for any of several.' },
  { name: 'function_name', description: 'Only events of this function of an agent.' },
  { name: 'source', description: 'Only events of this source; repeat it for any of several.' },
  { name: 'since', description: 'Only events since this time (RFC 3339), or of this last duration, such as `15m`.' },
  {
    name: 'limit',
    description: 'Maximum number of events. Default 50; brought to 1–500.',
    schema: { type: 'integer' },
  },
  { name: 'after', description: 'Only events with a greater id, the oldest first.' },
  { name: 'before', description: 'Only events with a smaller id.' },
  { name: 'wait', description: 'With `after`: wait this long for the first event, up to 600s.' },
]

const Event = z
  .looseObject({
    id: z.string().describe('A decimal number; ids grow.'),
    timestamp: z.string(),
    type: z.enum(eventTypes),
    event_type: z
      .string()
      .describe(
        'Its name in the mesh registry, for events of agents: `register`, `unhealthy`, `dependency_resolved`, …',
      ),
    namespace: z.string().optional(),
    server: z.string().optional().describe('`namespace/name`.'),
    agent_id: z.string().optional(),
    agent_name: z.string().optional(),
    function_name: z.string().optional(),
    source: z.string().optional(),
    reason: z.string().optional(),
    principal: z.string().optional().describe('The name of the token that caused it.'),
    data: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Details; `coalesced` counts further events that were not stored.'),
  })
  .meta({ id: 'Event' })

/** The response of `GET /events`. */
const EventListing = z
  .object({
    events: z.array(Event),
    count: z.int(),
    last_id: z.string().describe('Every event up to this id was considered: the `after` of the next request.'),
    missed: z.boolean().optional().describe('Events after `after` were removed before this request.'),
  })
  .meta({ id: 'EventList' })

const events: RouteDoc = {
  summary: 'List what happened to servers, agents and sources, the newest first, or follow it',
  group: 'operations',
  response: EventListing,
  query: eventParameters,
  statuses: {
    400: queryStatuses[400],
    403: 'The token is bound to other namespaces.',
    404: 'Events are disabled.',
    410: '`after` is of another database.',
    503: 'Store unavailable; retry after `Retry-After`.',
  },
}

/** Routes of the journal. */
export const eventRoutes: Readonly<Record<string, RouteDoc>> = {
  'GET /events': events,
  'GET /api/v1/events': events,
}
