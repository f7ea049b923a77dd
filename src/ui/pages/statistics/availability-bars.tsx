import { percent } from '../../parts/figures.ts'
import { statisticsTexts as texts } from '../../texts/statistics.ts'
import './statistics.css'

/** Units of the drawing, which is scaled to the width that there is. */
const slotWidth = 10
const height = 80
const gap = 1

type Bucket = { readonly at: string; readonly probes: number; readonly availability: number | null }

/** Availability of each part of a window as bars; a part without probes has none. */
export function AvailabilityBars({
  buckets,
  window,
}: {
  readonly buckets: readonly Bucket[]
  readonly window: string
}) {
  const measured = buckets.flatMap(({ availability }) => (availability === null ? [] : [availability]))
  if (measured.length === 0) return <p class="soft">{texts.nothing}</p>
  const summary = texts.chartSummary(percent(Math.min(...measured)), window)
  return (
    <figure class="availability">
      <svg
        role="img"
        aria-label={summary}
        viewBox={`0 0 ${buckets.length * slotWidth} ${height}`}
        preserveAspectRatio="none"
      >
        {buckets.map(({ at, availability, probes }, index) => {
          if (availability === null) return null
          // A part that was never available shows too.
          const tall = Math.max(2, availability * height)
          return (
            <rect
              key={at}
              class={availability >= 0.999 ? 'good' : availability >= 0.9 ? 'fair' : 'poor'}
              x={index * slotWidth}
              y={height - tall}
              width={slotWidth - gap}
              height={tall}
            >
              <title>{`${new Date(at).toLocaleString()}: ${percent(availability)}, ${probes.toLocaleString('en')}`}</title>
            </rect>
          )
        })}
      </svg>
      <figcaption class="soft">{summary}</figcaption>
    </figure>
  )
}
