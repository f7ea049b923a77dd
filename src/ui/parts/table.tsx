import type { ComponentChildren } from 'preact'

/** A table with one row of titles, in the order of `columns`; on a narrow screen it scrolls by itself. */
export function Table({
  columns,
  class: name,
  children,
}: {
  readonly columns: Readonly<Record<string, string>>
  readonly class?: string
  /** The rows. */
  readonly children: ComponentChildren
}) {
  return (
    <div class="wide">
      <table class={name}>
        <thead>
          <tr>
            {Object.entries(columns).map(([key, title]) => (
              <th key={key} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
