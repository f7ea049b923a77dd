import { useSignal } from '@preact/signals'
import type { JournalEvent } from '../../../client/index.ts'
import { serverParts } from '../../../model/identity.ts'
import { Ago } from '../../parts/time.tsx'
import { linkTo } from '../../router.ts'
import { eventsTexts as texts } from '../../texts/mesh/events.ts'
import { statusOrder } from '../../texts/status.ts'

/** The parts of `data` that are put in words. */
type EventData = {
  readonly old_status?: string
  readonly new_status?: string
  readonly old_state?: string
  readonly new_state?: string
  readonly applied?: boolean
  readonly coalesced?: number
  readonly spec?: { readonly capability?: string }
  readonly chosen?: { readonly agent_id?: string }
}

const dataOf = ({ data = {} }: JournalEvent) => data as EventData

/** One event: when, what, where, why; its details on demand. */
export function EventLine({ event }: { readonly event: JournalEvent }) {
  const { id, timestamp, type, function_name: called, source, principal, data } = event
  const { shape, look } = texts.marks[weightOf(event)]
  const isAboutSource = event.server === undefined && event.agent_id === undefined
  return (
    <li data-event={id}>
      <Ago at={timestamp} />
      <span class={`status ${look} kind`}>
        <span aria-hidden="true">{shape}</span> {texts.typeWords[type] ?? type}
      </span>
      <div class="what">
        <EventSubject event={event} /> {called !== undefined && <code>{called}</code>} <bdi>{outcomeOf(event)}</bdi>{' '}
        {principal !== undefined && (
          <span class="soft">
            <bdi>{texts.by(principal)}</bdi>
          </span>
        )}
        {data && Object.keys(data).length > 0 && <Details data={data} />}
      </div>
      {source !== undefined && !isAboutSource && (
        <a class="from" href={linkTo(['sources', source])}>
          <bdi>{source}</bdi>
        </a>
      )}
    </li>
  )
}

/** What the journal has of an event beside its columns; it may be long, so it is written only once it is opened. */
function Details({ data }: { readonly data: object }) {
  const isOpen = useSignal(false)
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>{texts.details}</summary>
      {isOpen.value && (
        <pre tabIndex={0}>
          <bdi>{JSON.stringify(data, undefined, 2)}</bdi>
        </pre>
      )}
    </details>
  )
}

/** What an event is about, as a link: an agent, a server or a source. */
export function EventSubject({ event: { server, source, agent_id: agent } }: { readonly event: JournalEvent }) {
  const [text, parts] =
    agent !== undefined
      ? [agent, ['agents', agent]]
      : server !== undefined
        ? [server, ['servers', ...serverParts(server)]]
        : [source, ['sources', source ?? '']]
  if (text === undefined) return null
  return (
    <a href={linkTo(parts)}>
      <bdi>{text}</bdi>
    </a>
  )
}

/** What an event says happened, without its subject. */
export function outcomeOf(event: JournalEvent): string {
  const { type, reason } = event
  const { old_status, new_status, old_state, new_state, coalesced, spec, chosen } = dataOf(event)
  const [from, to] = [old_status ?? old_state, new_status ?? new_state]
  const capability = type === 'rewired' ? spec?.capability : undefined
  const words = [
    from !== undefined && to !== undefined && `${from} → ${to}`,
    capability !== undefined && `${capability} → ${chosen?.agent_id ?? texts.unresolved}`,
    // It only repeats that nothing was chosen.
    reason !== texts.unresolved && reason,
    coalesced !== undefined && texts.more(coalesced),
  ]
  return words.filter(Boolean).join(', ')
}

/** How bad an event is. */
function weightOf(event: JournalEvent): keyof typeof texts.marks {
  const { type, event_type: meshType } = event
  const { new_status: status, new_state: state, applied } = dataOf(event)
  if (type === 'expired' || type === 'rejected' || meshType === 'dependency_unresolved' || applied === false)
    return 'bad'
  if (type === 'recovered' || meshType === 'dependency_resolved' || applied === true) return 'good'
  if (state !== undefined) return state === 'synced' ? 'good' : state === 'stale' ? 'bad' : 'warn'
  if (status === undefined) return 'plain'
  if (status === 'healthy') return 'good'
  const isBad = status === 'offline' || status === 'unhealthy'
  return isBad ? 'bad' : statusOrder.some((one) => one === status) ? 'warn' : 'plain'
}
