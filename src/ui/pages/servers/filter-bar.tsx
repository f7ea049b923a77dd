import { computed } from '@preact/signals'
import { servers } from '../../data/live-servers.ts'
import { place, setParameters } from '../../router.ts'
import { serverListTexts as texts } from '../../texts/servers.ts'
import { statusOrder, statusTexts } from '../../texts/status.ts'
import { groupKeys } from './filters.ts'
import { MoreFilters } from './more-filters.tsx'

/** How many servers have each value. */
const counts = computed(() => {
  void servers.version.value
  const found = {
    status: new Map<string, number>(),
    namespace: new Map<string, number>(),
    source: new Map<string, number>(),
  }
  for (const row of servers.rows.values())
    for (const [name, values] of Object.entries(found)) {
      const value = row[name as keyof typeof found]
      values.set(value, (values.get(value) ?? 0) + 1)
    }
  return found
})

/** The filters that are used most, with how many servers each value has, and the grouping. */
export function FilterBar() {
  const { parameters } = place.value
  const { status, namespace, source } = counts.value
  const chosen = new Set(parameters.getAll('status'))
  return (
    <div class="filters" role="group" aria-label={texts.filterBar}>
      <fieldset>
        <legend class="hidden">{texts.columns.status}</legend>
        {statusOrder
          .filter((one) => status.has(one) || chosen.has(one))
          .map((one) => (
            <button
              key={one}
              type="button"
              class={`chip ${one}`}
              aria-pressed={chosen.has(one)}
              onClick={() => setParameters({ status: toggled(parameters.getAll('status'), one) })}
            >
              <span aria-hidden="true">{statusTexts[one].shape}</span> {statusTexts[one].word}{' '}
              <span class="count">{(status.get(one) ?? 0).toLocaleString('en')}</span>
            </button>
          ))}
      </fieldset>
      <Choice name="namespace" label={texts.columns.namespace} values={namespace} />
      <Choice name="source" label={texts.columns.source} values={source} />
      <label>
        {texts.group}{' '}
        <select
          value={parameters.get('group') ?? ''}
          onChange={(event) => setParameters({ group: event.currentTarget.value })}
        >
          <option value="">{texts.noGroup}</option>
          {groupKeys.map((key) => (
            <option key={key} value={key}>
              {key}
            </option>
          ))}
        </select>
      </label>
      <MoreFilters />
    </div>
  )
}

const toggled = (values: readonly string[], one: string) =>
  values.includes(one) ? values.filter((value) => value !== one) : [...values, one]

function Choice({
  name,
  label,
  values,
}: {
  readonly name: string
  readonly label: string
  readonly values: ReadonlyMap<string, number>
}) {
  const chosen = place.value.parameters.get(name) ?? ''
  const known = [...values].toSorted(([one], [other]) => one.localeCompare(other, 'en'))
  if (known.length < 2 && chosen === '') return null
  return (
    <label>
      {label}{' '}
      <select value={chosen} onChange={(event) => setParameters({ [name]: event.currentTarget.value })}>
        <option value="">{texts.all}</option>
        {chosen !== '' && !values.has(chosen) && <option value={chosen}>{chosen} (0)</option>}
        {known.map(([value, count]) => (
          <option key={value} value={value}>
            {value} ({count.toLocaleString('en')})
          </option>
        ))}
      </select>
    </label>
  )
}
