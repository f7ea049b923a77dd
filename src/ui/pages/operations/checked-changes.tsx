import { Table } from '../../parts/table.tsx'
import { operationsTexts as texts } from '../../texts/operations.ts'

/** What `POST /-/reload?dry_run=true` answers. */
export type ConfigCheckAnswer = {
  readonly warnings: readonly string[]
  readonly changed: readonly { readonly path: string; readonly before?: unknown; readonly after?: unknown }[]
  readonly sources: Readonly<Record<keyof typeof texts.checkedSources, readonly string[]>>
  readonly needs_restart: readonly string[]
}

/** What a reload of the config would change. */
export function CheckedChanges({
  check: { warnings, changed, sources, needs_restart: waiting },
  onClose,
}: {
  readonly check: ConfigCheckAnswer
  readonly onClose: () => void
}) {
  const lines = [
    ...(['added', 'changed', 'removed'] as const)
      .filter((way) => sources[way].length > 0)
      .map((way) => texts.checkedSources[way](sources[way].join(', '))),
    ...(waiting.length > 0 ? [texts.wouldNeedRestart(waiting.join(', '))] : []),
    ...warnings,
  ]
  return (
    <section class="checked">
      <div class="head">
        <h2>{texts.checkTitle}</h2>
        <button type="button" onClick={onClose}>
          {texts.checkClose}
        </button>
      </div>
      {changed.length + lines.length === 0 && <p>{texts.nothingChanges}</p>}
      {lines.map((line) => (
        <p key={line}>
          <bdi>{line}</bdi>
        </p>
      ))}
      {changed.length > 0 && (
        <Table columns={texts.checkColumns}>
          {changed.map(({ path, before, after }) => (
            <tr key={path}>
              {[path, shown(before), shown(after)].map((text, index) => (
                <td key={index}>
                  <code>
                    <bdi>{text}</bdi>
                  </code>
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
    </section>
  )
}

const shown = (value: unknown) => (value === undefined ? '–' : JSON.stringify(value))
