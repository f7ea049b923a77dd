import { useSignal } from '@preact/signals'
import type { Status } from '../../../client/index.ts'
import { usePolled } from '../../data/polled.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { linkTo, place, setParameters } from '../../router.ts'
import { agentsTexts as texts } from '../../texts/mesh/agents.ts'
import { statusOrder, statusTexts } from '../../texts/status.ts'
import type { PageProps } from '../dashboard-page.ts'
import { AgentDetails } from './agent-details.tsx'
import { AgentRows } from './agent-rows.tsx'
import type { AgentPageAnswer, AgentView } from './agent-view.ts'
import './agents.css'

/** Agents of one page. */
const pageSize = 500

/** Every agent, or one of them. */
export function AgentsPage({ parts: [id] }: PageProps) {
  return id === undefined ? <AgentList /> : <AgentDetails key={id} id={id} />
}

function AgentList() {
  const { parameters } = place.value
  const { value, error } = usePolled<AgentPageAnswer>(`agents?${queryOf(parameters)}`, { isWithServers: true })
  const text = parameters.get('q') ?? ''
  const agents = value?.agents ?? []
  const shown = agents.filter(containing(text)).toSorted(byStatus)
  const isFiltered = text !== '' || parameters.has('status') || parameters.has('capability')
  return (
    <section>
      <div class="head">
        <h1>{texts.title}</h1>
        {value && (
          <p class="soft" role="status">
            {texts.count(shown.length, agents.length)}
          </p>
        )}
      </div>
      <Filters text={text} />
      <ProblemLine error={error} />
      {value && shown.length === 0 && <NoAgents isFiltered={isFiltered} />}
      {shown.length > 0 && <AgentRows agents={shown} />}
      <Pages next={value?.continue} />
    </section>
  )
}

/** Status and capability are the daemon's to filter, so that they hold over all pages; the text is looked for on this one. */
function queryOf(parameters: URLSearchParams): string {
  const query = new URLSearchParams({ limit: String(pageSize) })
  for (const name of ['status', 'capability', 'continue']) {
    const value = parameters.get(name)?.trim()
    if (value) query.set(name, value)
  }
  if (query.has('capability')) query.set('fuzzy_match', 'true')
  return query.toString()
}

function containing(text: string): (agent: AgentView) => boolean {
  const words = text.toLowerCase().split(/\s+/)
  return ({ id, name, namespace, endpoint }) => {
    const searched = `${id} ${name} ${namespace} ${endpoint}`.toLowerCase()
    return words.every((word) => searched.includes(word))
  }
}

const rankOf = ({ status }: AgentView) => statusOrder.indexOf(status as Status)
const byStatus = (one: AgentView, other: AgentView) =>
  rankOf(one) - rankOf(other) || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)

function Filters({ text }: { readonly text: string }) {
  const { parameters } = place.value
  // Asked for when it is whole, not at every letter.
  const capability = useSignal(parameters.get('capability') ?? '')
  return (
    <form
      class="filters"
      aria-label={texts.filters}
      onSubmit={(event) => {
        event.preventDefault()
        setParameters({ capability: capability.value, continue: '' })
      }}
    >
      <label class="search">
        <span class="hidden">{texts.find}</span>
        <input
          type="search"
          placeholder={texts.find}
          value={text}
          onInput={(event) => setParameters({ q: event.currentTarget.value })}
        />
      </label>
      <label>
        {texts.status}{' '}
        <select
          value={parameters.get('status') ?? ''}
          onChange={(event) => setParameters({ status: event.currentTarget.value, continue: '' })}
        >
          <option value="">{texts.all}</option>
          {statusOrder.map((status) => (
            <option key={status} value={status}>
              {statusTexts[status].word}
            </option>
          ))}
        </select>
      </label>
      <label>
        {texts.capability}{' '}
        <input
          type="search"
          value={capability.value}
          onInput={(event) => (capability.value = event.currentTarget.value)}
          onChange={(event) => setParameters({ capability: event.currentTarget.value, continue: '' })}
        />
      </label>
    </form>
  )
}

function NoAgents({ isFiltered }: { readonly isFiltered: boolean }) {
  return (
    <div class="empty">
      <h2>{isFiltered ? texts.nothingMatches : texts.nothingYet}</h2>
      <p>{isFiltered ? <a href={linkTo(['agents'])}>{texts.clear}</a> : texts.nothingYetHelp}</p>
    </div>
  )
}

function Pages({ next }: { readonly next: string | undefined }) {
  const { parts, parameters } = place.value
  const present = parameters.get('continue')
  if (present === null && next === undefined) return null
  const pageAt = (cursor: string | undefined) => {
    const changed = new URLSearchParams(parameters)
    changed.delete('continue')
    if (cursor !== undefined) changed.set('continue', cursor)
    return linkTo(parts, changed)
  }
  return (
    <p class="row">
      {present !== null && <a href={pageAt(undefined)}>{texts.firstPage}</a>}
      {next !== undefined && <a href={pageAt(next)}>{texts.nextPage}</a>}
    </p>
  )
}
