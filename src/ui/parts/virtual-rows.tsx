import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Rows rendered beyond the visible ones, above and below. */
const overscan = 8
/** Rows are recycled: a row that scrolls in takes the elements of one that scrolled out. */
const recycled = 128

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

  const indexes: number[] = []
  for (let index = range.first; index < Math.min(range.last, count); index += 1) indexes.push(index)
  if (active !== undefined && active < count && !indexes.includes(active)) indexes.push(active)
  return (
    <div ref={body} class="virtual" style={{ height: `${count * rowHeight}px` }} role="rowgroup">
      {indexes.map((index) => (
        <VirtualRow key={index % recycled} render={render} index={index} rowHeight={rowHeight} />
      ))}
    </div>
  )
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
