import { useSignal } from '@preact/signals'
import { usePolled } from '../../data/polled.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { operationsTexts as texts } from '../../texts/operations.ts'

/** `GET /config`: each value by its key, and where it comes from. */
type ConfigAnswer = {
  readonly values: readonly { readonly key: string; readonly value: unknown; readonly origin: string }[]
}

/** The config in force with the origin of each value. */
export function ConfigTable() {
  const { value, error } = usePolled<ConfigAnswer>('config', { everyMs: 10_000 })
  const isOnlySet = useSignal(true)
  const wanted = useSignal('')
  if (error) return <ProblemLine error={error} />
  const rows = (value?.values ?? []).filter(
    ({ key, origin }) => key.includes(wanted.value.trim()) && (!isOnlySet.value || origin !== 'default'),
  )
  return (
    <>
      <p class="soft">{texts.configWhy}</p>
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
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">{texts.configColumns.key}</th>
                <th scope="col">{texts.configColumns.value}</th>
                <th scope="col">{texts.configColumns.origin}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ key, value: one, origin }) => (
                <tr key={key}>
                  <td>
                    <code>{key}</code>
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
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}
