import { usePolled } from '../../data/polled.ts'
import { milliseconds, percent } from '../../parts/figures.ts'
import { Table } from '../../parts/table.tsx'
import { serverTexts } from '../../texts/server/server.ts'
import { AvailabilityBars } from '../statistics/availability-bars.tsx'
import { ProbeTimeline, type TimedProbe } from './probe-timeline.tsx'
import { serverPath, type ServerAnswer } from './server-answer.ts'

const { stats: texts } = serverTexts

/** What probes showed over one window. */
type WindowStatistics = {
  readonly probes: number
  /** Share from 0 to 1; null without probes. */
  readonly availability: number | null
  readonly p50_ms: number | null
  readonly p95_ms: number | null
  readonly flaps: number
  readonly buckets: Parameters<typeof AvailabilityBars>[0]['buckets']
}

/** `GET /servers/{namespace}/{name}/stats`. */
type StatisticsAnswer = {
  readonly measured: boolean
  readonly reason?: string
  /** The last 60 probes, newest last; kept over restarts. */
  readonly timeline: readonly TimedProbe[]
  readonly windows: Readonly<Record<string, WindowStatistics>>
}

/** The last probes of a server, and how often and how fast it answered over the last hour, day and week. */
export function ProbeHistory({ server }: { readonly server: ServerAnswer }) {
  const { value } = usePolled<StatisticsAnswer>(`${serverPath(server)}/stats`, { everyMs: 15_000 })
  return (
    <>
      <h2>{serverTexts.probes.title}</h2>
      <ProbeTimeline server={server} earlier={value?.timeline ?? []} />
      {value?.measured && <Availability value={value} />}
    </>
  )
}

function Availability({ value }: { readonly value: StatisticsAnswer }) {
  const day = value.windows['24h']
  return (
    <>
      <h3>{texts.title}</h3>
      <Table columns={texts.columns} class="narrow">
        {Object.entries(value.windows).map(([name, { availability, p50_ms: p50, p95_ms: p95, probes, flaps }]) => (
          <tr key={name}>
            <th scope="row">{texts.windows(name)}</th>
            <td>{availability === null ? texts.nothing : percent(availability)}</td>
            <td>{p50 === null ? '—' : milliseconds(p50)}</td>
            <td>{p95 === null ? '—' : milliseconds(p95)}</td>
            <td>{probes.toLocaleString('en')}</td>
            <td>{flaps.toLocaleString('en')}</td>
          </tr>
        ))}
      </Table>
      {day && <AvailabilityBars buckets={day.buckets} window={texts.windows('24h')} />}
    </>
  )
}
