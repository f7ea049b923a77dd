import type { JournalEvent, SourceStatus } from '../../../client/index.ts'
import { type ApiError, request } from '../../data/api.ts'
import { usePolled } from '../../data/polled.ts'
import { refusalOf } from '../../data/rights.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { BrokenLine } from '../../parts/broken-line.tsx'
import { type Fact, FactList } from '../../parts/fact-list.tsx'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { linkTo } from '../../router.ts'
import { sourcesTexts as texts } from '../../texts/sources.ts'
import { SourceStateMark } from './source-state.tsx'

type Changes = Readonly<Record<'added' | 'modified' | 'deleted', readonly string[]>>

/** One source: what it does, what it rejects and why, its origins and its history. */
export function SourceDetails({
  name,
  source,
  isKnown,
  error,
  refresh,
}: {
  readonly name: string
  readonly source: SourceStatus | undefined
  /** The list of sources has been read. */
  readonly isKnown: boolean
  readonly error: ApiError | undefined
  readonly refresh: () => void
}) {
  if (!source)
    return (
      <section>
        <ProblemLine error={error} />
        {isKnown && <h1>{texts.unknown(name)}</h1>}
        <a href={linkTo(['sources'])}>{texts.allSources}</a>
      </section>
    )

  async function read(): Promise<string> {
    const path = `sources/${encodeURIComponent(name)}/refresh`
    const { changes } = await request<{ changes: Changes }>(path, { method: 'POST' }).finally(refresh)
    return texts.readDone(changes.added.length, changes.modified.length, changes.deleted.length)
  }

  async function release(): Promise<string> {
    await request(`sources/${encodeURIComponent(name)}/release`, { method: 'POST' }).finally(refresh)
    return texts.released
  }

  const refusal = refusalOf('admin')
  const isHeld = source.held !== undefined || source.self_preservation !== undefined
  return (
    <section>
      <p class="soft">
        <a href={linkTo(['sources'])}>{texts.title}</a> / {source.type}
      </p>
      <div class="head">
        <h1>
          <bdi>{name}</bdi>
        </h1>
        <SourceStateMark state={source.state} />
        <ActionButton run={read} refusal={refusal}>
          {texts.read}
        </ActionButton>
        {isHeld && (
          <ActionButton run={release} refusal={refusal}>
            {texts.release}
          </ActionButton>
        )}
        <a href={linkTo(['servers'], new URLSearchParams({ source: name }))}>{texts.servers}</a>
        {source.origins.some(({ stale, servers }) => stale && servers > 0) && (
          <a href={linkTo(['servers'], new URLSearchParams({ source: name, stale: 'true' }))}>{texts.staleServers}</a>
        )}
      </div>
      <ProblemLine error={error} />
      {source.held && (
        <p class="problem">
          {texts.held(source.held.removes)} {texts.heldWhy}
        </p>
      )}
      {source.self_preservation && <p class="problem">{source.self_preservation.remedy}</p>}
      <Facts source={source} />
      <h2>{texts.rejections}</h2>
      <Rejections source={source} />
      {source.origins.length > 0 && (
        <>
          <h2>{texts.origins}</h2>
          <Origins source={source} />
        </>
      )}
      <h2>{texts.history}</h2>
      <History name={name} />
    </section>
  )
}

function Facts({ source }: { readonly source: SourceStatus }) {
  const { facts } = texts
  const ago = (at: string | undefined) => at !== undefined && <Ago at={at} />
  const next = source.next_attempt
  const shown: readonly Fact[] = [
    [facts.servers, source.servers.toLocaleString('en')],
    [facts.shadowed, source.shadowed > 0 && source.shadowed.toLocaleString('en')],
    [facts.note, source.note],
    [facts.error, source.last_error],
    [facts.attempt, ago(source.last_attempt)],
    [facts.success, ago(source.last_success)],
    [facts.change, ago(source.last_change)],
    [facts.next, next !== undefined && <time dateTime={next}>{new Date(next).toLocaleTimeString()}</time>],
    [facts.failures, source.consecutive_failures > 0 && String(source.consecutive_failures)],
    [facts.restarts, source.restarts > 0 && String(source.restarts)],
  ]
  return <FactList facts={shown} />
}

function Rejections({ source: { rejections, rejected } }: { readonly source: SourceStatus }) {
  if (rejected === 0) return <p class="soft">{texts.noRejections}</p>
  return (
    <>
      <p class="soft">{texts.rejectionsNext}</p>
      <ul class="rejections">
        {rejections.map(({ origin, where, name, reason, kept }) => (
          <li key={`${origin} ${where} ${name} ${reason}`}>
            <code>
              <bdi>{[origin, where].filter(Boolean).join(', ')}</bdi>
            </code>
            <p>
              {name !== undefined && (
                <strong>
                  <bdi>{name}</bdi>:{' '}
                </strong>
              )}
              <bdi>{reason}</bdi>
            </p>
            {kept && <p class="soft">{texts.kept}</p>}
          </li>
        ))}
      </ul>
      {rejected > rejections.length && <p class="soft">{texts.moreRejections(rejected - rejections.length)}</p>}
    </>
  )
}

function Origins({ source: { origins } }: { readonly source: SourceStatus }) {
  const { originColumns: columns } = texts
  return (
    <Table columns={columns}>
      {origins.map(({ origin, servers, error, where, excerpt, stale }) => (
        <tr key={origin}>
          <td>
            <bdi>{origin}</bdi>
          </td>
          <td class="number">{servers.toLocaleString('en')}</td>
          <td>
            {error === undefined ? (
              <span class="status healthy">
                <span aria-hidden="true">●</span> {texts.fine}
              </span>
            ) : (
              <span class="status unhealthy">
                <span aria-hidden="true">■</span> <bdi>{where === undefined ? error : `${where}: ${error}`}</bdi>
                {stale && servers > 0 && <span class="soft"> {texts.kept}</span>}
                {excerpt !== undefined && <BrokenLine excerpt={excerpt} />}
              </span>
            )}
          </td>
        </tr>
      ))}
    </Table>
  )
}

function History({ name }: { readonly name: string }) {
  const path = `events?type=source&type=rejected&limit=20&source=${encodeURIComponent(name)}`
  const { value, error } = usePolled<{ readonly events: readonly JournalEvent[] }>(path)
  if (error?.code === 'events_disabled') return <p class="soft">{error.message}</p>
  if (value?.events.length === 0) return <p class="soft">{texts.nothingHappened}</p>
  return (
    <ul class="history">
      {value?.events.map(({ id, timestamp, reason, data }) => {
        const { old_state: from, new_state: to } = (data ?? {}) as { old_state?: string; new_state?: string }
        return (
          <li key={id}>
            <Ago at={timestamp} /> {from !== undefined && `${from} → ${to}`}{' '}
            <span class="soft">
              <bdi>{reason}</bdi>
            </span>
          </li>
        )
      })}
    </ul>
  )
}
