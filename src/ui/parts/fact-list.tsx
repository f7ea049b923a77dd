import type { ComponentChildren } from 'preact'

/** A fact with its label; without a value, or with an empty one, it is left out. */
export type Fact = readonly [label: string, value: ComponentChildren]

/** Facts in short, each below its label. */
export function FactList({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => Boolean(value))
        .map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{typeof value === 'string' ? <bdi>{value}</bdi> : value}</dd>
          </div>
        ))}
    </dl>
  )
}
