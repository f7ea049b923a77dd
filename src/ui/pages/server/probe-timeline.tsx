import { milliseconds } from '../../parts/figures.ts'
import { Table } from '../../parts/table.tsx'
import { Ago, clock, shortDuration } from '../../parts/time.tsx'
import { serverTexts } from '../../texts/server/server.ts'
import { reasonTexts } from '../../texts/status.ts'
import type { ServerAnswer } from './server-answer.ts'

export type TimedProbe = NonNullable<ServerAnswer['health']['history']>[number]

const { probes: texts } = serverTexts

/** Probes that the daemon remembers of one server. */
const slots = 60
/** Units of the drawing, which is scaled to the width that there is. */
const slotWidth = 10
const height = 64
const gap = 2

/**
 * The last probes as bars: as high as the answer took, failed ones over the whole height and hatched. `earlier`: those that the
 * daemon remembers from before it was started.
 */
export function ProbeTimeline({
  server,
  earlier,
}: {
  readonly server: ServerAnswer
  readonly earlier: readonly TimedProbe[]
}) {
  const recent = server.health.history ?? []
  const first = recent[0]?.at
  const history = [...earlier.filter(({ at }) => first === undefined || at < first), ...recent].slice(-slots)
  if (history.length === 0)
    return <p class="soft">{server.health_check === 'none' || !server.enabled ? texts.never : texts.none}</p>
  const slowest = Math.max(1, ...history.map(({ response_time_ms: ms }) => ms))
  const offset = slots - history.length
  return (
    <figure class="timeline">
      <svg
        role="img"
        aria-label={summaryOf(history)}
        viewBox={`0 0 ${slots * slotWidth} ${height}`}
        preserveAspectRatio="none"
      >
        <defs>
          <pattern id="failed" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class="ground" width="6" height="6" />
            <rect class="stripe" width="3" height="6" />
          </pattern>
        </defs>
        {history.map((probe, index) => (
          <Bar key={probe.at} probe={probe} left={(offset + index) * slotWidth} slowest={slowest} />
        ))}
      </svg>
      <figcaption class="soft">
        <span>{summaryOf(history)}</span>
      </figcaption>
      <details>
        <summary>{texts.table}</summary>
        <ProbeTable history={history} />
      </details>
    </figure>
  )
}

function Bar({
  probe,
  left,
  slowest,
}: {
  readonly probe: TimedProbe
  readonly left: number
  readonly slowest: number
}) {
  const tall = probe.ok ? Math.max(3, (probe.response_time_ms / slowest) * height) : height
  return (
    <rect
      class={probe.ok ? 'good' : 'failed'}
      x={left}
      y={height - tall}
      width={slotWidth - gap}
      height={tall}
      rx="1"
      fill={probe.ok ? undefined : 'url(#failed)'}
    >
      <title>{`${new Date(probe.at).toLocaleString()}: ${reasonTexts[probe.reason].meaning} ${milliseconds(probe.response_time_ms)}`}</title>
    </rect>
  )
}

function summaryOf(history: readonly TimedProbe[]): string {
  const times = history.filter(({ ok }) => ok).map(({ response_time_ms: ms }) => ms)
  const took = times.length === 0 ? '' : texts.took(milliseconds(Math.min(...times)), milliseconds(Math.max(...times)))
  const summary = `${texts.succeeded(times.length, history.length)}${took}.`
  const failure = history.findLast(({ ok }) => !ok)
  if (!failure) return summary
  const ago = shortDuration(clock.value - Date.parse(failure.at))
  return `${summary} ${texts.lastFailure(reasonTexts[failure.reason].meaning, ago)}`
}

function ProbeTable({ history }: { readonly history: readonly TimedProbe[] }) {
  return (
    <Table columns={texts.columns} class="narrow">
      {history.toReversed().map(({ at, ok, reason, response_time_ms: ms }) => (
        <tr key={at}>
          <td>
            <Ago at={at} />
          </td>
          <td>{ok && reason === 'ok' ? texts.good : reasonTexts[reason].meaning}</td>
          <td class="number">{milliseconds(ms)}</td>
        </tr>
      ))}
    </Table>
  )
}
