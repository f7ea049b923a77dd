import { eventView } from '../../journal/event-encoding.ts'
import type { EventPage, EventQuery } from '../../stores/event.ts'
import { StoreUnavailable } from '../../stores/store.ts'
import { requireRole } from '../http/access/authenticator.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { queryText } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { type EventsRequest, parseEventsRequest } from './event-query.ts'

/** `GET /events`: what happened, from the stored journal. */
export function eventsApi({ journal, watch }: Pick<ApiPorts, 'journal' | 'watch'>) {
  const api = createRoutes()

  async function read(c: ApiContext, { query, waitMs }: EventsRequest): Promise<EventPage> {
    if (waitMs === 0 || c.env.incoming.method === 'HEAD') return journal.read(query)
    watch.admit(c)
    const gone = new AbortController()
    c.env.outgoing.once('close', () => gone.abort())
    return journal.follow(query, { waitMs, signal: gone.signal })
  }

  api.get('/events', async (c) => {
    const { principal, incoming } = c.env
    requireRole(principal, 'reader')
    if (!journal.isEnabled())
      throw new Problem('events_disabled', 'Events are disabled; set events.enabled in the config.')
    const request = parseEventsRequest(new URLSearchParams(queryText(incoming.url ?? '')), principal)
    const page = await read(c, request).catch((error: unknown) => {
      throw error instanceof StoreUnavailable ? storeProblem(error) : error
    })
    return respondJson(c, responseOf(page, request.query))
  })

  return api
}

function responseOf({ events, newest, oldest }: EventPage, { after, limit }: EventQuery) {
  if (after !== undefined && Number(after) > Number(newest)) {
    throw new Problem(
      'index_expired',
      `No event has an id as great as ${after} yet, so it is from another database. List again, and follow from last_id.`,
      { more: { parameter: 'after', last_id: newest } },
    )
  }
  const isCut = after !== undefined && events.length === limit
  // The ids are consecutive: one that is missing was removed.
  const isMissed = after !== undefined && Number(oldest ?? Number(newest) + 1) > Number(after) + 1
  return {
    events: events.map(eventView),
    count: events.length,
    last_id: isCut ? events.at(-1)?.id : newest,
    ...(isMissed && { missed: true }),
  }
}

function storeProblem({ retry_after }: StoreUnavailable): Problem {
  return new Problem('store_unavailable', 'Store unavailable: the events cannot be read.', {
    headers: { 'retry-after': String(Math.ceil(retry_after)) },
  })
}
