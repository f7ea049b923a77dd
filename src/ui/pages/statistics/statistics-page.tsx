import type { Reason } from '../../../client/index.ts'
import { serverParts } from '../../../model/identity.ts'
import { usePolled } from '../../data/polled.ts'
import { type Fact, FactList } from '../../parts/fact-list.tsx'
import { milliseconds, percent } from '../../parts/figures.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { Table } from '../../parts/table.tsx'
import { linkTo, place, setParameters } from '../../router.ts'
import { statisticsTexts as texts } from '../../texts/statistics.ts'
import { reasonTexts } from '../../texts/status.ts'
import { AvailabilityBars } from './availability-bars.tsx'

/** What probes showed over one window, or one part of it. */
export type ProbeFigures = {
  readonly probes: number
  /** Share from 0 to 1; null without probes. */
  readonly availability: number | null
  readonly errors: Readonly<Partial<Record<Reason, number>>>
  readonly p50_ms: number | null
  readonly p95_ms: number | null
  readonly flaps: number
}

/** `GET /stats?window=`. */
type StatisticsOfAll = ProbeFigures & {
  readonly window: string
  readonly servers: number
  readonly measured: number
  readonly buckets: readonly (ProbeFigures & { readonly at: string })[]
  readonly worst: readonly (ProbeFigures & { readonly id: string })[]
}

type WindowName = keyof typeof texts.windows
const windows = Object.keys(texts.windows) as readonly WindowName[]

/** How well all servers were over the last hour, day or week. */
export function StatisticsPage() {
  const chosen = windows.find((one) => one === place.value.parameters.get('window')) ?? '1h'
  const { value: answer, error } = usePolled<StatisticsOfAll>(`stats?window=${chosen}`, { everyMs: 10_000 })
  // While the answer for another window is awaited, that of the last one is not shown as its own.
  const value = answer?.window === chosen ? answer : undefined
  return (
    <section>
      <div class="head">
        <h1>{texts.title}</h1>
        {windows.map((one) => (
          <button key={one} type="button" aria-pressed={one === chosen} onClick={() => setParameters({ window: one })}>
            {texts.windows[one]}
          </button>
        ))}
      </div>
      <p class="soft">{texts.why}</p>
      <ProblemLine error={error} />
      {value && (
        <>
          <Totals figures={value} />
          <h2>{texts.chart}</h2>
          <AvailabilityBars buckets={value.buckets} window={texts.windows[chosen]} />
          <h2>{texts.errors}</h2>
          <Errors errors={value.errors} />
          {value.worst.length > 0 && (
            <>
              <h2>{texts.worst}</h2>
              <Worst servers={value.worst} />
            </>
          )}
        </>
      )}
    </section>
  )
}

const duration = (ms: number | null) => (ms === null ? texts.none : milliseconds(ms))
const share = (availability: number | null) => (availability === null ? texts.none : percent(availability))

function Totals({ figures }: { readonly figures: StatisticsOfAll }) {
  const { facts } = texts
  const shown: readonly Fact[] = [
    [facts.availability, share(figures.availability)],
    [facts.probes, figures.probes.toLocaleString('en')],
    [facts.p50, duration(figures.p50_ms)],
    [facts.p95, duration(figures.p95_ms)],
    [facts.flaps, figures.flaps.toLocaleString('en')],
    [facts.measured, texts.of(figures.measured, figures.servers)],
  ]
  return <FactList facts={shown} />
}

function Errors({ errors }: Pick<ProbeFigures, 'errors'>) {
  const found = Object.entries(errors).toSorted(([, one], [, other]) => other - one)
  if (found.length === 0) return <p class="soft">{texts.noErrors}</p>
  return (
    <Table columns={texts.errorColumns}>
      {found.map(([reason, count]) => (
        <tr key={reason}>
          <td class="number">{count.toLocaleString('en')}</td>
          <td>
            <a href={linkTo(['servers'], new URLSearchParams({ reason }))}>{reason}</a>{' '}
            <span class="soft">{reasonTexts[reason as Reason]?.meaning}</span>
          </td>
        </tr>
      ))}
    </Table>
  )
}

function Worst({ servers }: { readonly servers: StatisticsOfAll['worst'] }) {
  const { worstColumns: columns } = texts
  return (
    <Table columns={columns}>
      {servers.map(({ id, availability, p95_ms: p95, flaps }) => (
        <tr key={id}>
          <td>
            <a href={linkTo(['servers', ...serverParts(id)])}>
              <bdi>{id}</bdi>
            </a>
          </td>
          <td>{share(availability)}</td>
          <td>{duration(p95)}</td>
          <td>{flaps.toLocaleString('en')}</td>
        </tr>
      ))}
    </Table>
  )
}
