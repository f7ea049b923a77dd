import { useSignal } from '@preact/signals'
import { usePolled } from '../../data/polled.ts'
import { refusalOf } from '../../data/rights.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { operationsTexts as texts } from '../../texts/operations.ts'

/** What `GET /config` answers. */
export type ConfigAnswer = {
  readonly file?: string
  readonly settings: readonly { readonly path: string; readonly value: unknown; readonly origin: string }[]
  readonly needs_restart: readonly string[]
  readonly last_reload: { readonly applied: boolean; readonly at: string; readonly reason?: string }
}

/** The config in force with the origin of each value. */
export function ConfigTable() {
  const refusal = refusalOf('admin')
  const { value, error } = usePolled<ConfigAnswer>(refusal === undefined ? 'config' : undefined, { everyMs: 10_000 })
  const isOnlySet = useSignal(true)
  const wanted = useSignal('')
  // What was shown stays while the daemon is away, not where it refuses.
  if (refusal !== undefined) return <p class="soft">{refusal}</p>
  if (error && (!value || error.status !== 0)) return <ProblemLine error={error} />
  const rows = (value?.settings ?? []).filter(
    ({ path, origin }) => path.includes(wanted.value.trim()) && (!isOnlySet.value || origin !== 'default'),
  )
  return (
    <>
      <ProblemLine error={error} />
      <p class="soft">{texts.configWhy}</p>
      {value && <ReloadState config={value} />}
      <div class="filters">
        <label>
          {texts.find}{' '}
          <input type="search" value={wanted.value} onInput={(event) => (wanted.value = event.currentTarget.value)} />
        </label>
        <label>
          <input
            type="checkbox"
            checked={isOnlySet.value}
            onChange={(event) => (isOnlySet.value = event.currentTarget.checked)}
          />{' '}
          {texts.onlyOwn}
        </label>
      </div>
      {value && rows.length === 0 && <p class="soft">{texts.noneMatches}</p>}
      {rows.length > 0 && (
        <Table columns={texts.configColumns}>
          {rows.map(({ path, value: one, origin }) => (
            <tr key={path}>
              <td>
                <code>{path}</code>
              </td>
              <td>
                <code>
                  <bdi>{JSON.stringify(one)}</bdi>
                </code>
              </td>
              <td>
                <bdi>{origin}</bdi>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  )
}

/** Whether the file is what is in force. */
function ReloadState({
  config: { file, last_reload: last, needs_restart: waiting },
}: {
  readonly config: ConfigAnswer
}) {
  return (
    <>
      {file !== undefined && (
        <p>
          <code>
            <bdi>{file}</bdi>
          </code>
          , <Ago at={last.at} />
        </p>
      )}
      {!last.applied && (
        <p class="problem" role="alert">
          {texts.notTaken} <bdi>{last.reason}</bdi>
        </p>
      )}
      {waiting.length > 0 && <p>{texts.needsRestart(waiting.join(', '))}</p>}
    </>
  )
}
