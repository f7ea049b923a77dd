import { useSignal } from '@preact/signals'
import { place, setParameters } from '../../router.ts'
import { serverListTexts as texts } from '../../texts/servers.ts'
import { filterNames, filterValues, unknownValuesIn } from './filters.ts'

/** Filters that have a control of their own. */
const shownElsewhere = new Set(['q', 'status', 'namespace', 'source'])

const isStatus = (text: string) => filterValues['status']?.includes(text)

/** Every other filter of `/servers`: those in force, and a field that adds one. */
export function MoreFilters() {
  const { parameters } = place.value
  const names = filterNames.filter((name) => !shownElsewhere.has(name))
  const name = useSignal(names[0] ?? '')
  const value = useSignal('')
  const active = [...parameters].filter(([one]) => names.includes(one))
  // A status that does not exist has no button of its own.
  active.push(
    ...parameters.getAll('status').flatMap((one) => (isStatus(one) ? [] : [['status', one] as [string, string]])),
  )

  function add(event: SubmitEvent): void {
    event.preventDefault()
    const given = value.peek().trim()
    if (given === '') return
    setParameters({ [name.peek()]: [...new Set([...parameters.getAll(name.peek()), given])] })
    value.value = ''
  }

  function remove(one: string, gone: string): void {
    setParameters({ [one]: parameters.getAll(one).filter((kept) => kept !== gone) })
  }

  return (
    <>
      {active.map(([one, given]) => (
        <button
          key={`${one} ${given}`}
          type="button"
          class="chip"
          title={texts.removeFilter}
          onClick={() => remove(one, given)}
        >
          {texts.filters[one] ?? one}: <bdi>{given}</bdi> <span aria-hidden="true">×</span>
        </button>
      ))}
      <form class="more" onSubmit={add}>
        <select
          aria-label={texts.filter}
          value={name.value}
          onChange={(event) => (name.value = event.currentTarget.value)}
        >
          {names.map((one) => (
            <option key={one} value={one}>
              {texts.filters[one] ?? one}
            </option>
          ))}
        </select>
        <input
          aria-label={texts.filterValue}
          placeholder={texts.hints[name.value] ?? texts.filterValue}
          value={value.value}
          onInput={(event) => (value.value = event.currentTarget.value)}
        />
        <button type="submit">{texts.addFilter}</button>
      </form>
    </>
  )
}

/** Says of each filter of the address that no server can ever match it, and which values there are. */
export function UnknownValues() {
  return unknownValuesIn(place.value.parameters).map(([name, value]) => (
    <p key={`${name} ${value}`} class="problem" role="status">
      <bdi>{texts.noSuchValue(name, value)}</bdi> {texts.possibleValues((filterValues[name] ?? []).join(', '))}
    </p>
  ))
}
