import type { JournalEvent } from '../../../client/index.ts'
import { usePolled } from '../../data/polled.ts'
import { Ago } from '../../parts/time.tsx'
import { linkTo } from '../../router.ts'
import { overviewTexts as texts } from '../../texts/overview.ts'

/** The last events of the journal. */
export function RecentChanges() {
  const { value, error } = usePolled<{ readonly events: readonly JournalEvent[] }>('events?limit=12', {
    isWithServers: true,
  })
  if (error?.code === 'events_disabled') return <p class="soft">{error.message}</p>
  if (value?.events.length === 0) return <p class="soft">{texts.nothingRecent}</p>
  return (
    <>
      <ul class="recent">
        {value?.events.map((event) => (
          <li key={event.id}>
            <Ago at={event.timestamp} /> <span class="kind">{event.type}</span> <Subject event={event} />{' '}
            <span class="soft">
              <bdi>{outcomeOf(event)}</bdi>
            </span>
          </li>
        ))}
      </ul>
      <p>
        <a href={linkTo(['events'])}>{texts.allEvents}</a>
      </p>
    </>
  )
}

function Subject({ event: { server, source, agent_id: agent } }: { readonly event: JournalEvent }) {
  if (server !== undefined) {
    const [namespace = '', name = ''] = server.split('/', 2)
    return (
      <a href={linkTo(['servers', namespace, name])}>
        <bdi>{server}</bdi>
      </a>
    )
  }
  if (agent !== undefined)
    return (
      <a href={linkTo(['agents', agent])}>
        <bdi>{agent}</bdi>
      </a>
    )
  return source === undefined ? null : (
    <a href={linkTo(['sources', source])}>
      <bdi>{source}</bdi>
    </a>
  )
}

function outcomeOf({ reason = '', data = {} }: JournalEvent): string {
  const { old_status: from, new_status: to } = data as { old_status?: string; new_status?: string }
  const change = from === undefined || to === undefined ? '' : `${from} → ${to}`
  return [change, reason].filter((text) => text !== '').join(', ')
}
