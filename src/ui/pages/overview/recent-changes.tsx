import type { JournalEvent } from '../../../client/index.ts'
import { usePolled } from '../../data/polled.ts'
import { Ago } from '../../parts/time.tsx'
import { linkTo } from '../../router.ts'
import { overviewTexts as texts } from '../../texts/overview.ts'
import { EventSubject, outcomeOf } from '../events/event-line.tsx'

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
            <Ago at={event.timestamp} /> <span class="kind">{event.type}</span> <EventSubject event={event} />{' '}
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
