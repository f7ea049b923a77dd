import { useConfigSettings, watchedPaths } from '../../data/config-settings.ts'
import { servers } from '../../data/live-servers.ts'
import { usePolled } from '../../data/polled.ts'
import { BrokenLine } from '../../parts/broken-line.tsx'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { linkTo } from '../../router.ts'
import { overviewTexts as texts } from '../../texts/overview.ts'
import { statusOrder, statusTexts } from '../../texts/status.ts'
import {
  type Concern,
  concernsOf,
  type HealthAnswer,
  type ReloadEvents,
  type SourcesAnswer,
  type UnresolvedAnswer,
} from './attention.ts'
import './overview.css'
import { RecentChanges } from './recent-changes.tsx'

/** How many servers are well, what needs attention and why, and what has changed. */
export function OverviewPage() {
  const sources = usePolled<SourcesAnswer>('sources', { isWithServers: true })
  const health = usePolled<HealthAnswer>('health')
  const hasAgents = sources.value?.sources.some(({ type }) => type === 'agents')
  const dependencies = usePolled<UnresolvedAnswer>(hasAgents ? 'dependencies' : undefined, {
    everyMs: 10_000,
    isWithServers: true,
  })
  const reloads = usePolled<ReloadEvents>('events?type=reload&limit=1', { everyMs: 10_000 })
  void servers.version.value
  const rows = [...servers.rows.values()]
  const isKnown = (servers.isComplete.value || rows.length > 0) && sources.value !== undefined
  const concerns = concernsOf({
    sources: sources.value,
    health: health.value,
    dependencies: dependencies.value,
    reloads: reloads.value,
    rows,
  })
  return (
    <section class="overview">
      <h1>{texts.title}</h1>
      <ProblemLine error={sources.error} />
      {/* All of it at once: what is read must not move. */}
      {isKnown && (
        <>
          <Counts />
          {rows.length === 0 && <FirstSteps sources={sources.value} />}
          <h2>{texts.attention}</h2>
          {concerns.length === 0 ? (
            <p class="well">
              <span aria-hidden="true">✓</span> {texts.nothing}
            </p>
          ) : (
            <ul class="concerns">
              {concerns.map((concern) => (
                <ConcernItem key={concern.key} concern={concern} />
              ))}
            </ul>
          )}
          <h2>{texts.recent}</h2>
          <RecentChanges />
        </>
      )}
    </section>
  )
}

function Counts() {
  const counts = new Map<string, number>()
  for (const { status } of servers.rows.values()) counts.set(status, (counts.get(status) ?? 0) + 1)
  const all = servers.total.value
  // A server that is not checked is no cause for concern.
  const well = (counts.get('healthy') ?? 0) + (counts.get('unknown') ?? 0)
  const present = statusOrder.toReversed().filter((status) => counts.has(status))
  return (
    <div class="counts">
      <p class="well-of">{all === 0 ? texts.noServers : texts.wellOf(well, all)}</p>
      <div class="bar" aria-hidden="true">
        {present.map((status) => (
          <span key={status} class={`share ${status}`} style={{ flexGrow: counts.get(status) }} />
        ))}
      </div>
      <ul>
        {present.map((status) => (
          <li key={status} class={status}>
            <a href={linkTo(['servers'], new URLSearchParams({ status }))}>
              <span class="shape" aria-hidden="true">
                {statusTexts[status].shape}
              </span>{' '}
              {(counts.get(status) ?? 0).toLocaleString('en')} {statusTexts[status].word}
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}

function ConcernItem({ concern: { severity, title, why, excerpt, next, at } }: { readonly concern: Concern }) {
  return (
    <li class={severity}>
      <span class="shape" aria-hidden="true">
        {severity === 'bad' ? '■' : '▲'}
      </span>
      <div>
        <a href={linkTo(at.parts, new URLSearchParams(at.parameters))}>
          <bdi>{title}</bdi>
        </a>
        {why !== '' && (
          <p>
            <bdi>{why}</bdi>
          </p>
        )}
        {excerpt !== undefined && <BrokenLine excerpt={excerpt} />}
        {next !== '' && (
          <p class="soft">
            {texts.next} {next}
          </p>
        )}
      </div>
    </li>
  )
}

function FirstSteps({ sources }: { readonly sources: SourcesAnswer | undefined }) {
  const config = useConfigSettings()
  const notes = (sources?.sources ?? []).filter(({ type }) => type === 'file').flatMap(({ note = [] }) => note)
  const watched = watchedPaths(config) ?? notes
  return (
    <div class="first">
      <h2>{texts.first.title}</h2>
      <p>{texts.first.drop}</p>
      <pre>{texts.first.example}</pre>
      {watched.length > 0 && (
        <p class="soft">
          {texts.first.folders} {watched.join(', ')}
        </p>
      )}
      <p>
        <a href={linkTo(['add'])}>{texts.first.add}</a>
      </p>
    </div>
  )
}
