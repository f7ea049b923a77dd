import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { servers } from '../../data/live-servers.ts'
import { usePolled } from '../../data/polled.ts'
import { linkTo, place, setParameters } from '../../router.ts'
import { eventsTexts as texts } from '../../texts/mesh/events.ts'

/** The filters of `GET /events`, as they stand in the address too. */
const filterFields = ['type', 'server', 'agent_id', 'function_name', 'namespace', 'source', 'since'] as const

/** The query of an address, without its page. */
export function eventQueryOf(parameters: URLSearchParams): URLSearchParams {
  const query = new URLSearchParams()
  for (const name of filterFields)
    for (const value of parameters.getAll(name)) if (value.trim() !== '') query.append(name, value.trim())
  return query
}

/** Another filter is another list: it begins at its newest event. */
const setFilter = (changes: Readonly<Record<string, string | readonly string[]>>) =>
  setParameters({ ...changes, before: '' })

/** Everything that the journal can be filtered by. */
export function EventFilters() {
  const { parameters } = place.value
  const chosen = parameters.getAll('type')
  const types = [...new Set([...Object.keys(texts.typeWords), ...chosen])]
  const { value } = usePolled<{ readonly sources: readonly { readonly name: string }[] }>('sources', {
    everyMs: 30_000,
  })
  void servers.version.value
  const namespaces = new Set(servers.rows.values().map(({ namespace }) => namespace))
  return (
    <form class="filters" aria-label={texts.filters} onSubmit={(event) => event.preventDefault()}>
      <fieldset>
        <legend class="hidden">{texts.types}</legend>
        {types.map((type) => (
          <button
            key={type}
            type="button"
            class="chip"
            aria-pressed={chosen.includes(type)}
            onClick={() =>
              setFilter({ type: chosen.includes(type) ? chosen.filter((one) => one !== type) : [...chosen, type] })
            }
          >
            {type}
          </button>
        ))}
      </fieldset>
      <TextFilter name="server" />
      <TextFilter name="agent_id" />
      <TextFilter name="function_name" />
      <Choice name="namespace" values={[...namespaces].toSorted()} />
      <Choice name="source" values={(value?.sources ?? []).map(({ name }) => name)} />
      <label>
        {texts.fields.since}{' '}
        <select
          value={parameters.get('since') ?? ''}
          onChange={(event) => setFilter({ since: event.currentTarget.value })}
        >
          <option value="">{texts.ever}</option>
          {Object.entries(texts.ages).map(([age, words]) => (
            <option key={age} value={age}>
              {words}
            </option>
          ))}
        </select>
      </label>
      {eventQueryOf(parameters).size > 0 && <a href={linkTo(['events'])}>{texts.clear}</a>}
    </form>
  )
}

/** A text that is asked for when it is whole, not at every letter. */
function TextFilter({ name }: { readonly name: keyof typeof texts.hints }) {
  const present = place.value.parameters.get(name) ?? ''
  const text = useSignal(present)
  useEffect(() => void (text.value = present), [present])
  return (
    <label>
      {texts.fields[name]}{' '}
      <input
        type="search"
        placeholder={texts.hints[name]}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onChange={(event) => setFilter({ [name]: event.currentTarget.value })}
      />
    </label>
  )
}

function Choice({ name, values }: { readonly name: 'namespace' | 'source'; readonly values: readonly string[] }) {
  const chosen = place.value.parameters.get(name) ?? ''
  const known = values.includes(chosen) || chosen === '' ? values : [...values, chosen]
  if (known.length < 2 && chosen === '') return null
  return (
    <label>
      {texts.fields[name]}{' '}
      <select value={chosen} onChange={(event) => setFilter({ [name]: event.currentTarget.value })}>
        <option value="">{texts.all}</option>
        {known.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  )
}
