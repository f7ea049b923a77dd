import { useRef } from 'preact/hooks'
import { servers } from '../../data/live-servers.ts'
import { useKeys } from '../../parts/keyboard.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { linkTo, place, setParameters } from '../../router.ts'
import { serverListTexts as texts } from '../../texts/servers.ts'
import { askedError, askedIds, useAskedIds } from './asked-ids.ts'
import { FilterBar } from './filter-bar.tsx'
import { askedQuery, filterNames, sortOf } from './filters.ts'
import { UnknownValues } from './more-filters.tsx'
import { ServerTable } from './server-table.tsx'
import { heldChanges, isPaused, shownCount, useShownRows } from './table-state.ts'
import { detailsError } from './visible-details.ts'

/** Every server, filtered, sorted and grouped as the address says; live. */
export function ServersPage() {
  const { parameters } = place.value
  const query = askedQuery(parameters)
  useAskedIds(query, sortOf(parameters).isDescending)
  useShownRows()
  const all = servers.total.value
  const isComplete = servers.isComplete.value
  const shown = shownCount.value
  void servers.version.value
  const hasRows = servers.rows.size > 0
  const isAnswered = query === '' || askedIds.value?.query === query || askedError.value !== undefined
  const isEmpty = isComplete && shown === 0 && isAnswered
  return (
    <section class="fill">
      <div class="head">
        <h1>{texts.title}</h1>
        <SearchField />
        <p class="soft" role="status">
          {isComplete ? texts.count(shown, all) : texts.loading(servers.rows.size, all)}
        </p>
        <button type="button" aria-pressed={isPaused.value} onClick={() => (isPaused.value = !isPaused.value)}>
          {isPaused.value ? texts.resume(heldChanges.value) : texts.pause}
        </button>
      </div>
      <ProblemLine error={askedError.value ?? detailsError.value} />
      {/* Nothing before there is something: what is read must not move. */}
      {hasRows && <FilterBar />}
      {hasRows && <UnknownValues />}
      {isEmpty ? <Nothing hasServers={all > 0} /> : hasRows && <ServerTable />}
    </section>
  )
}

function Nothing({ hasServers }: { readonly hasServers: boolean }) {
  if (!hasServers)
    return (
      <div class="empty">
        <h2>{texts.nothingYet}</h2>
        <p>{texts.nothingYetHelp}</p>
        <p>
          <a href={linkTo(['add'])}>{texts.add}</a>
        </p>
      </div>
    )
  return (
    <div class="empty">
      <h2>{texts.nothingMatches}</h2>
      <p>
        <a href={linkTo(['servers'])} onClick={clearFilters}>
          {texts.clear}
        </a>
      </p>
    </div>
  )
}

function clearFilters(event: Event): void {
  event.preventDefault()
  setParameters(Object.fromEntries(filterNames.map((name) => [name, ''])))
}

function SearchField() {
  const field = useRef<HTMLInputElement>(null)
  useKeys((event) => {
    if (event.key !== '/') return
    event.preventDefault()
    field.current?.focus()
  })
  return (
    <label class="search">
      <span class="hidden">{texts.search}</span>
      <input
        ref={field}
        type="search"
        placeholder={texts.searchHint}
        value={place.value.parameters.get('q') ?? ''}
        onInput={(event) => setParameters({ q: event.currentTarget.value })}
        onKeyDown={(event) => {
          // The first Escape clears the field.
          const isLeft = event.key === 'Escape' && event.currentTarget.value === ''
          if (event.key === 'Enter' || isLeft) toTable(event.currentTarget)
        }}
      />
    </label>
  )
}

/** Gives the keys back to the table, so that j and k move in it. */
function toTable(field: HTMLElement): void {
  const table = field.closest('section')?.querySelector<HTMLElement>('[data-scroller]')
  if (table) table.focus()
  else field.blur()
}
