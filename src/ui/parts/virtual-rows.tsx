import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Rows rendered beyond the visible ones, above and below. */
const overscan = 4
/** Their number is a multiple of this, so that it rarely changes. */
const step = 8

/**
 * The visible part of a list of rows of one height. `active` is always rendered, so that what refers to it exists, and is scrolled
 * into view when it changes.
 */
export function VirtualRows({
  count,
  rowHeight,
  active,
  onRange,
  render,
}: {
  readonly count: number
  /** In CSS pixels. */
  readonly rowHeight: number
  readonly active?: number | undefined
  /** Told of the rows in view: the first, and the one after the last. */
  readonly onRange?: (first: number, last: number) => void
  readonly render: (index: number, style: { readonly top: string; readonly height: string }) => ComponentChildren
}) {
  const body = useRef<HTMLDivElement>(null)
  const [range, setRange] = useState({ first: 0, last: 40 })

  useLayoutEffect(() => {
    const element = body.current
    const scroller = element?.closest<HTMLElement>('[data-scroller]')
    if (!element || !scroller) return undefined
    const measure = () => {
      const top = Math.max(0, scroller.scrollTop - element.offsetTop)
      const first = Math.max(0, Math.floor(top / rowHeight) - overscan)
      const last = Math.ceil((top + scroller.clientHeight) / rowHeight) + overscan
      const seen = Math.floor(top / rowHeight)
      onRange?.(seen, seen + Math.ceil(scroller.clientHeight / rowHeight))
      setRange((before) => (before.first === first && before.last === last ? before : { first, last }))
      releaseFocus(element, scroller, first, last)
    }
    measure()
    scroller.addEventListener('scroll', measure, { passive: true })
    const resizing = new ResizeObserver(measure)
    resizing.observe(scroller)
    return () => {
      scroller.removeEventListener('scroll', measure)
      resizing.disconnect()
    }
  }, [rowHeight])

  useLayoutEffect(() => {
    const element = body.current
    const scroller = element?.closest<HTMLElement>('[data-scroller]')
    if (active === undefined || !element || !scroller) return
    // Below what stays at the top of the scroller.
    const head = element.offsetTop
    const top = active * rowHeight
    if (top < scroller.scrollTop) scroller.scrollTop = top
    else if (top + rowHeight + head > scroller.scrollTop + scroller.clientHeight)
      scroller.scrollTop = top + rowHeight + head - scroller.clientHeight
  }, [active, rowHeight])

  // A row that scrolls in takes the elements of one that scrolled out.
  const elements = Math.ceil((range.last - range.first + 1) / step) * step
  const indexes: number[] = []
  for (let index = range.first; index < Math.min(range.last, count); index += 1) indexes.push(index)
  const isActiveAway = active !== undefined && active < count && !indexes.includes(active)
  return (
    <div ref={body} class="virtual" style={{ height: `${count * rowHeight}px` }} role="rowgroup">
      {indexes.map((index) => (
        <VirtualRow key={index % elements} render={render} index={index} rowHeight={rowHeight} />
      ))}
      {isActiveAway && <VirtualRow key="active" render={render} index={active} rowHeight={rowHeight} />}
    </div>
  )
}

/** What has the focus in a row that scrolls out loses it: its elements will be those of another row. */
function releaseFocus(body: HTMLElement, scroller: HTMLElement, first: number, last: number): void {
  const row = body.contains(document.activeElement) && document.activeElement?.closest('[aria-rowindex]')
  if (!row) return
  // The head is the first row.
  const index = Number(row.getAttribute('aria-rowindex')) - 2
  if (index < first || index >= last) scroller.focus({ preventScroll: true })
}

function VirtualRow({
  render,
  index,
  rowHeight,
}: {
  readonly render: (index: number, style: { readonly top: string; readonly height: string }) => ComponentChildren
  readonly index: number
  readonly rowHeight: number
}) {
  return <>{render(index, { top: `${index * rowHeight}px`, height: `${rowHeight}px` })}</>
}
