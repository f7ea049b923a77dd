import { useMemo } from 'preact/hooks'
import { servers } from '../../data/live-servers.ts'
import { usePolled } from '../../data/polled.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { place, setParameters } from '../../router.ts'
import { capabilitiesTexts as texts } from '../../texts/mesh/capabilities.ts'
import './capabilities.css'
import { type CapabilityGroup, groupsOfOffers, matchesFilters, type OfferedCapability } from './capability-groups.ts'
import { CapabilityTable } from './capability-table.tsx'

/** Servers above which nothing is listed without a name: the whole list would be too long to be asked for again and again. */
const maxServers = 2000
const minLetters = 2

/** Every capability, who offers it, and in which versions. */
export function CapabilitiesPage() {
  const { parameters } = place.value
  const name = (parameters.get('q') ?? '').trim()
  const isLarge = servers.total.value > maxServers
  const isAsking = servers.isComplete.value && (!isLarge || name.length >= minLetters)
  const query = new URLSearchParams({ agent_status: '', include_deprecated: 'true', ...(isLarge && { name }) })
  const { value, error } = usePolled<{ readonly capabilities: readonly OfferedCapability[] }>(
    isAsking ? `capabilities?${query.toString()}` : undefined,
    { isWithServers: !isLarge, everyMs: isLarge ? 15_000 : 5000 },
  )
  const offers = value?.capabilities
  const groups = useMemo(() => groupsOfOffers(offers ?? []), [offers])
  const shown = groups.filter(matchesFilters(parameters))
  return (
    <section>
      <div class="head">
        <h1>{texts.title}</h1>
        {isAsking && value && (
          <p class="soft" role="status">
            {texts.count(shown.length, groups.length)}
          </p>
        )}
      </div>
      <CapabilityFilters groups={groups} />
      <ProblemLine error={error} />
      {isLarge && !isAsking && <p class="soft">{texts.ask(servers.total.value)}</p>}
      {isAsking && shown.length > 0 && <CapabilityTable groups={shown} />}
      {isAsking && value && shown.length === 0 && (
        <div class="empty">
          <h2>{groups.length === 0 && !isLarge ? texts.nothingYet : texts.nothingMatches}</h2>
          {groups.length === 0 && !isLarge && <p>{texts.nothingYetHelp}</p>}
        </div>
      )}
    </section>
  )
}

function CapabilityFilters({ groups }: { readonly groups: readonly CapabilityGroup[] }) {
  const { parameters } = place.value
  const choices = (read: (group: CapabilityGroup) => readonly string[]) => [...new Set(groups.flatMap(read))].toSorted()
  return (
    <form class="filters" aria-label={texts.filters} onSubmit={(event) => event.preventDefault()}>
      <label class="search">
        <span class="hidden">{texts.find}</span>
        <input
          type="search"
          placeholder={texts.find}
          value={parameters.get('q') ?? ''}
          onInput={(event) => setParameters({ q: event.currentTarget.value })}
        />
      </label>
      <Choice name="kind" label={texts.kind} values={choices(({ kinds }) => kinds)} />
      <Choice name="tag" label={texts.tag} values={choices(({ tags }) => tags)} />
      <label>
        <input
          type="checkbox"
          checked={parameters.has('healthy')}
          onChange={(event) => setParameters({ healthy: event.currentTarget.checked ? 'true' : '' })}
        />{' '}
        {texts.onlyHealthy}
      </label>
    </form>
  )
}

function Choice({
  name,
  label,
  values,
}: {
  readonly name: string
  readonly label: string
  readonly values: readonly string[]
}) {
  const chosen = place.value.parameters.get(name) ?? ''
  if (values.length < 2 && chosen === '') return null
  return (
    <label>
      {label}{' '}
      <select value={chosen} onChange={(event) => setParameters({ [name]: event.currentTarget.value })}>
        <option value="">{texts.all}</option>
        {values.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  )
}
