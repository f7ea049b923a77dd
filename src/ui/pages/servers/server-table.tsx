import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { servers } from '../../data/live-servers.ts'
import type { Row } from '../../data/protocol.ts'
import { useKeys } from '../../parts/keyboard.ts'
import { StatusMark } from '../../parts/status.tsx'
import { Ago } from '../../parts/time.tsx'
import { VirtualRows } from '../../parts/virtual-rows.tsx'
import { linkTo, open, place, setParameters } from '../../router.ts'
import { serverListTexts as texts } from '../../texts/servers.ts'
import { type ColumnKey, columnKeys, sortOf } from './filters.ts'
import { changedAt, collapsed, isInUse, type Line, lines } from './table-state.ts'
import { rowDetails, useVisibleDetails } from './visible-details.ts'

/** Heights of a row in CSS pixels; two lines on a narrow screen. */
const rowHeight = 36
const narrowRowHeight = 56
const narrow = matchMedia('(max-width: 640px)')
/** Time for which a change is marked, in ms. */
const markMs = 2000

/** The rows that `table-state` shows. */
export function ServerTable() {
  const { count, at } = lines.value
  const active = useSignal<number | undefined>(undefined)
  const scroller = useRef<HTMLDivElement>(null)
  const view = useSignal({ first: 0, last: 0 })
  useVisibleDetails(idsIn(view.value))
  const height = narrow.matches ? narrowRowHeight : rowHeight
  // Rows show what the servers are now, also while their order is held.
  void servers.version.value

  useKeys((event) => {
    const step = stepOf(event.key)
    if (step !== 0 && (event.key.length === 1 || scroller.current?.contains(event.target as Node))) {
      event.preventDefault()
      const last = lines.peek().count - 1
      active.value = Math.max(0, Math.min(last, (active.peek() ?? (step > 0 ? -1 : last + 1)) + step))
    }
    if (event.key === 'Enter' && event.target instanceof HTMLElement && !event.target.matches('a, button')) {
      const line = active.peek() === undefined ? undefined : lines.peek().at(active.peek()!)
      if (line?.type === 'row') open(addressOf(line.row))
      else if (line) toggle(line.group)
    }
    if (event.key === 'Escape') active.value = undefined
  })
  useEffect(() => () => void (isInUse.value = false), [])

  return (
    <div
      ref={scroller}
      class="table servers"
      data-scroller
      role="table"
      aria-label={texts.title}
      aria-rowcount={count + 1}
      tabIndex={0}
      aria-activedescendant={active.value === undefined ? undefined : `row-${active.value}`}
      onPointerEnter={(event) => event.pointerType === 'mouse' && (isInUse.value = true)}
      onPointerLeave={() => (isInUse.value = false)}
      onFocusIn={() => (isInUse.value = true)}
      onFocusOut={() => (isInUse.value = false)}
    >
      <Head />
      <VirtualRows
        count={count}
        rowHeight={height}
        active={active.value}
        onRange={(first, last) => (view.value = { first, last })}
        render={(index, style) => {
          const line = at(index)
          return line ? <TableLine line={line} index={index} style={style} isActive={index === active.value} /> : null
        }}
      />
    </div>
  )
}

/** The servers of these lines. */
function idsIn({ first, last }: { readonly first: number; readonly last: number }): readonly string[] {
  const { at } = lines.value
  const ids: string[] = []
  for (let index = first; index < last; index += 1) {
    const line = at(index)
    if (line?.type === 'row') ids.push(line.row.id)
  }
  return ids
}

/** Rows that a key moves down. */
function stepOf(key: string): number {
  if (key === 'j' || key === 'ArrowDown') return 1
  return key === 'k' || key === 'ArrowUp' ? -1 : 0
}

function Head() {
  const { key, isDescending } = sortOf(place.value.parameters)
  return (
    <div role="rowgroup" class="thead">
      <div role="row" aria-rowindex={1} class="tr">
        {columnKeys.map((column) => (
          <div
            key={column}
            role="columnheader"
            class={`cell ${column}`}
            aria-sort={column === key ? (isDescending ? 'descending' : 'ascending') : 'none'}
          >
            <button type="button" onClick={() => sortBy(column)}>
              {texts.columns[column]}
              <span aria-hidden="true">{column === key ? (isDescending ? ' ↓' : ' ↑') : ''}</span>
            </button>
          </div>
        ))}
      </div>
    </div>
  )
}

function sortBy(column: ColumnKey): void {
  const { key, isDescending } = sortOf(place.peek().parameters)
  setParameters({ sort: column === key && !isDescending ? `-${column}` : column })
}

type LineProps = {
  readonly index: number
  readonly style: { readonly top: string; readonly height: string }
  readonly isActive: boolean
}

function TableLine({ line, ...rest }: LineProps & { readonly line: Line }) {
  if (line.type === 'row') return <ServerLine row={servers.rows.get(line.row.id) ?? line.row} {...rest} />
  const { index, style, isActive } = rest
  return (
    <div
      id={`row-${index}`}
      role="row"
      aria-rowindex={index + 2}
      class={`tr group ${isActive ? 'active' : ''}`}
      style={style}
    >
      <div role="cell" class="cell">
        <button type="button" aria-expanded={line.isOpen} onClick={() => toggle(line.group)}>
          <span aria-hidden="true">{line.isOpen ? '▾' : '▸'}</span> {line.group === '' ? '—' : line.group}{' '}
          <span class="count">{line.count.toLocaleString('en')}</span>
        </button>
      </div>
    </div>
  )
}

function toggle(group: string): void {
  const next = new Set(collapsed.peek())
  if (!next.delete(group)) next.add(group)
  collapsed.value = next
}

const addressOf = ({ namespace, name }: Row) => linkTo(['servers', namespace, name])

function ServerLine({ row, index, style, isActive }: LineProps & { readonly row: Row }) {
  const details = rowDetails.value.get(row.id)
  const isGone = !servers.rows.has(row.id)
  const isMarked = performance.now() - (changedAt.get(row.id) ?? -markMs) < markMs
  const marks = `${isActive ? ' active' : ''}${isGone ? ' gone' : ''}${isMarked ? ' changed' : ''}`
  return (
    <div id={`row-${index}`} role="row" aria-rowindex={index + 2} class={`tr${marks}`} style={style} data-id={row.id}>
      <div role="cell" class="cell status">
        <StatusMark status={row.status} />
      </div>
      <div role="cell" class="cell name">
        <a href={addressOf(row)}>
          <bdi>{row.name}</bdi>
        </a>
        {!row.enabled && <span class="badge">{texts.disabled}</span>}
        {row.stale && <span class="badge warn">{texts.stale}</span>}
      </div>
      <div role="cell" class="cell namespace">
        {row.namespace}
      </div>
      <div role="cell" class="cell type">
        {row.type}
      </div>
      <div role="cell" class="cell source">
        <bdi>{row.source}</bdi>
      </div>
      <div role="cell" class="cell since">
        <Ago at={row.since} suffix="" />
      </div>
      <div role="cell" class="cell response">
        {details?.responseMs !== undefined && texts.ms(details.responseMs)}
      </div>
      <div role="cell" class="cell tools">
        {details && details.tools > 0 && details.tools.toLocaleString('en')}
      </div>
      <div role="cell" class="cell tags">
        <bdi>{row.tags.join(' ')}</bdi>
      </div>
    </div>
  )
}
