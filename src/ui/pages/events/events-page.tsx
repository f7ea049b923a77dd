import { useSignal } from '@preact/signals'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { linkTo, place } from '../../router.ts'
import { eventsTexts as texts } from '../../texts/mesh/events.ts'
import { useEventFeed } from './event-feed.ts'
import { EventFilters, eventQueryOf } from './event-filters.tsx'
import { EventLine } from './event-line.tsx'
import './events.css'

/** The journal, the newest first: followed live, filtered, and paged back. */
export function EventsPage() {
  const { parameters } = place.value
  const query = eventQueryOf(parameters)
  const before = parameters.get('before') ?? ''
  const isPaused = useSignal(false)
  const { events, hasOlder, error } = useEventFeed(query.toString(), { before, isPaused: isPaused.value })
  const oldest = events?.at(-1)?.id
  const pageAt = (id: string) =>
    linkTo(['events'], new URLSearchParams([...query, ...(id === '' ? [] : [['before', id]])] as string[][]))
  return (
    <section class="events">
      <div class="head">
        <h1>{texts.title}</h1>
        {before === '' ? (
          <>
            <button type="button" aria-pressed={isPaused.value} onClick={() => (isPaused.value = !isPaused.value)}>
              {isPaused.value ? texts.resume : texts.pause}
            </button>
            {!isPaused.value && <p class="soft">{texts.live}</p>}
          </>
        ) : (
          <p class="soft">
            {texts.pageBefore} <a href={pageAt('')}>{texts.newest}</a>
          </p>
        )}
      </div>
      <EventFilters />
      <ProblemLine error={error} />
      {events?.length === 0 && (
        <div class="empty">
          <h2>{query.size > 0 || before !== '' ? texts.nothingMatches : texts.nothingYet}</h2>
          {query.size === 0 && before === '' && <p>{texts.nothingYetHelp}</p>}
        </div>
      )}
      {events && events.length > 0 && (
        <ol class="feed">
          {events.map((event) => (
            <EventLine key={event.id} event={event} />
          ))}
        </ol>
      )}
      {hasOlder && oldest !== undefined && (
        <p>
          <a href={pageAt(oldest)}>{texts.older}</a>
        </p>
      )}
    </section>
  )
}
