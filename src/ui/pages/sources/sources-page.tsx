import type { SourceStatus } from '../../../client/index.ts'
import { request } from '../../data/api.ts'
import { usePolled } from '../../data/polled.ts'
import { refusalOf } from '../../data/rights.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { linkTo } from '../../router.ts'
import { sourcesTexts as texts } from '../../texts/sources.ts'
import type { PageProps } from '../dashboard-page.ts'
import { SourceDetails } from './source-details.tsx'
import './sources.css'
import { SourceStateMark } from './source-state.tsx'

export type SourcesView = { readonly sources: readonly SourceStatus[]; readonly conflicts: number }
type DiscoverAnswer = { readonly added: number; readonly modified: number; readonly deleted: number }

/** Every source, or one of them. */
export function SourcesPage({ parts: [name] }: PageProps) {
  const { value, error, refresh } = usePolled<SourcesView>('sources', { everyMs: 2000, isWithServers: true })
  if (name !== undefined)
    return (
      <SourceDetails
        name={name}
        source={value?.sources.find((one) => one.name === name)}
        {...{ error, refresh }}
        isKnown={value !== undefined}
      />
    )

  async function discoverAll(): Promise<string> {
    const { added, modified, deleted } = await request<DiscoverAnswer>('discover', { method: 'POST' })
    refresh()
    return texts.readDone(added, modified, deleted)
  }

  return (
    <section>
      <div class="head">
        <h1>{texts.title}</h1>
        <ActionButton run={discoverAll} refusal={refusalOf('admin')}>
          {texts.discover}
        </ActionButton>
      </div>
      <ProblemLine error={error} />
      {value && <SourceTable sources={value.sources} />}
      {value && (
        <p class="soft">
          {texts.conflicts(value.conflicts)}{' '}
          {value.conflicts > 0 && (
            <a href={linkTo(['servers'], new URLSearchParams({ shadows: 'true' }))}>{texts.showConflicts}</a>
          )}
        </p>
      )}
    </section>
  )
}

function SourceTable({ sources }: { readonly sources: readonly SourceStatus[] }) {
  const { columns } = texts
  return (
    <Table columns={columns} class="states">
      {sources.map((source) => (
        <tr key={source.name}>
          <td>
            <a href={linkTo(['sources', source.name])}>
              <bdi>{source.name}</bdi>
            </a>
          </td>
          <td>{source.type}</td>
          <td>
            <SourceStateMark state={source.state} />
            {source.last_error !== undefined && (
              <div class="why">
                <bdi>{source.last_error}</bdi>
              </div>
            )}
          </td>
          <td class="number">{source.servers.toLocaleString('en')}</td>
          <td class="number">{source.rejected.toLocaleString('en')}</td>
          <td>{source.last_attempt !== undefined && <Ago at={source.last_attempt} />}</td>
        </tr>
      ))}
    </Table>
  )
}
