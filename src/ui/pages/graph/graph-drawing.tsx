import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { graphTexts as texts } from '../../texts/mesh/graph.ts'
import type { Arrow, Box, Drawing } from './graph-views.ts'
import type { LayoutAnswer, LayoutQuestion } from './layout-worker.ts'
import { useLayout } from './use-layout.ts'

/** Sizes in CSS pixels. */
const boxHeight = 46
const margins = 32
const widthOf = ({ title, detail }: Box) =>
  Math.min(220, Math.max(96, 48 + 7.6 * Math.max(title.length, detail.length * 0.9)))
const [minZoom, maxZoom, zoomStep] = [0.3, 2, 1.25]
/** Zoom at which texts can just be read: a new drawing is made no smaller by itself. */
const readableZoom = 0.8

/** A graph from left to right: from what needs to what is needed. Boxes are links; a table beside it lists the same. */
export function GraphDrawing({ drawing }: { readonly drawing: Drawing }) {
  const { boxes, arrows, title } = drawing
  const { answer, isFailed } = useLayout(questionOf(drawing))
  const zoom = useSignal(1)
  const frame = useRef<HTMLDivElement>(null)
  const layout = answer?.layout

  function setZoom(next: number): void {
    zoom.value = Math.min(maxZoom, Math.max(minZoom, next))
  }

  function fit(least = minZoom): void {
    const { clientWidth = 0, clientHeight = 0 } = frame.current ?? {}
    if (!layout) return
    const fitting = Math.min(1, clientWidth / (layout.width + margins), clientHeight / (layout.height + margins))
    setZoom(Math.max(least, fitting))
  }

  const laidOut = answer?.question.nodes ?? []
  const isCurrent = laidOut.length === boxes.length && laidOut.every(({ id }, index) => id === boxes[index]?.id)
  /** What the zoom was fitted for: a change of the graph leaves the zoom as people set it. */
  const fitted = useRef('')
  useEffect(() => {
    if (!isCurrent || fitted.current === title || boxes.length === 0) return undefined
    fitted.current = title
    fit(readableZoom)
    const centre = layout?.nodes[boxes.findIndex((box) => box.isCentre)]
    if (!centre || !frame.current) return undefined
    const { clientWidth, clientHeight } = frame.current
    const [left, top] = [centre.x * zoom.peek() - clientWidth / 2, centre.y * zoom.peek() - clientHeight / 2]
    // Once the new zoom is rendered.
    const timer = requestAnimationFrame(() => frame.current?.scrollTo({ left, top }))
    return () => cancelAnimationFrame(timer)
  }, [isCurrent, title])

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === '+' || event.key === '=') setZoom(zoom.peek() * zoomStep)
    else if (event.key === '-') setZoom(zoom.peek() / zoomStep)
    else if (event.key === '0') fit()
    else return
    event.preventDefault()
  }

  if (isFailed) return null
  return (
    <>
      <div class="row tools">
        <button
          type="button"
          aria-label={texts.zoomIn}
          title={texts.zoomIn}
          onClick={() => setZoom(zoom.peek() * zoomStep)}
        >
          +
        </button>
        <button
          type="button"
          aria-label={texts.zoomOut}
          title={texts.zoomOut}
          onClick={() => setZoom(zoom.peek() / zoomStep)}
        >
          −
        </button>
        <button type="button" onClick={() => fit()}>
          {texts.fit}
        </button>
        <span class="soft">{texts.hint}</span>
      </div>
      <div
        ref={frame}
        class="drawing"
        role="group"
        aria-label={texts.drawing(boxes.length, arrows.length)}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onWheel={(event) => {
          if (!event.ctrlKey) return
          event.preventDefault()
          setZoom(zoom.peek() * (event.deltaY < 0 ? zoomStep : 1 / zoomStep))
        }}
        onPointerDown={(event) => startDrag(event, frame.current)}
      >
        {answer ? (
          <div
            style={{
              width: `${(answer.layout.width + margins) * zoom.value}px`,
              height: `${(answer.layout.height + margins) * zoom.value}px`,
            }}
          >
            <Canvas drawing={drawing} question={answer.question} layout={answer.layout} zoom={zoom.value} />
          </div>
        ) : (
          <p class="soft">{texts.layingOut}</p>
        )}
      </div>
    </>
  )
}

function questionOf({ boxes, arrows }: Drawing): LayoutQuestion {
  return {
    nodes: boxes.map((box) => ({ id: box.id, width: widthOf(box), height: boxHeight })),
    edges: arrows.map(({ from, to }) => ({ from, to })),
  }
}

/** Moves what is seen with the pointer. */
function startDrag(event: PointerEvent, frame: HTMLElement | null): void {
  // A finger scrolls by itself.
  if (!frame || event.pointerType !== 'mouse' || event.button !== 0) return
  if ((event.target as Element).closest('a')) return
  let [x, y] = [event.clientX, event.clientY]
  const move = (moved: PointerEvent) => {
    frame.scrollBy(x - moved.clientX, y - moved.clientY)
    ;[x, y] = [moved.clientX, moved.clientY]
  }
  const stop = new AbortController()
  frame.setPointerCapture(event.pointerId)
  frame.addEventListener('pointermove', move, { signal: stop.signal })
  frame.addEventListener('pointerup', () => stop.abort(), { signal: stop.signal })
  frame.addEventListener('pointercancel', () => stop.abort(), { signal: stop.signal })
}

type CanvasProps = {
  readonly drawing: Drawing
  /** What was laid out: while the next layout is made, it is an earlier graph. */
  readonly question: LayoutQuestion
  readonly layout: LayoutAnswer
  readonly zoom: number
}

function Canvas({ drawing: { boxes, arrows }, question, layout, zoom }: CanvasProps) {
  const boxById = new Map(boxes.map((box) => [box.id, box]))
  const arrowByEnds = new Map(arrows.map((arrow) => [JSON.stringify([arrow.from, arrow.to]), arrow]))
  return (
    <div
      class="canvas"
      style={{
        width: `${layout.width}px`,
        height: `${layout.height}px`,
        transform: `scale(${zoom}) translate(16px, 16px)`,
      }}
    >
      <svg width={layout.width} height={layout.height} aria-hidden="true">
        <defs>
          {['arrow', 'arrow-missing'].map((id) => (
            <marker key={id} id={id} viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
              <path d="M0 0 8 4 0 8z" />
            </marker>
          ))}
        </defs>
        {question.edges.map(({ from, to }, index) => {
          const arrow = arrowByEnds.get(JSON.stringify([from, to]))
          const points = layout.edges[index]
          return arrow && points ? <ArrowLine key={`${from} ${to}`} arrow={arrow} points={points} /> : null
        })}
      </svg>
      {question.nodes.map(({ id, width, height }, index) => {
        const box = boxById.get(id)
        const centre = layout.nodes[index]
        if (!box || !centre) return null
        return (
          <a
            key={id}
            href={box.href}
            draggable={false}
            class={`box ${box.look}${box.isCentre ? ' centre' : ''}`}
            title={`${box.title}\n${box.detail}`}
            style={{
              left: `${centre.x - width / 2}px`,
              top: `${centre.y - height / 2}px`,
              width: `${width}px`,
              height: `${height}px`,
            }}
          >
            <span class="shape" aria-hidden="true">
              {box.shape}
            </span>{' '}
            <bdi>{box.title}</bdi>
            <small>{box.detail}</small>
          </a>
        )
      })}
    </div>
  )
}

const maxLabelLength = 16

function ArrowLine({ arrow, points }: { readonly arrow: Arrow; readonly points: LayoutAnswer['edges'][number] }) {
  const { capabilities, isUnresolved } = arrow
  const [first = ''] = capabilities
  const more = capabilities.length > 1 ? ` +${capabilities.length - 1}` : ''
  const label = `${first.length > maxLabelLength ? `${first.slice(0, maxLabelLength - 1)}…` : first}${more}`
  const middle = points[Math.floor(points.length / 2)]
  return (
    <g class={isUnresolved ? 'line missing' : 'line'}>
      <path
        d={points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')}
        marker-end={`url(#${isUnresolved ? 'arrow-missing' : 'arrow'})`}
      >
        <title>{capabilities.join(', ')}</title>
      </path>
      {!isUnresolved && middle && (
        <text x={middle.x} y={middle.y - 4} text-anchor="middle">
          {label}
        </text>
      )}
    </g>
  )
}
