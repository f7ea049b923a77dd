import type { Metric } from '../../src/metrics/metric.ts'

/** The samples of metrics as lines of Prometheus text. */
export function samplesOf(metrics: readonly Metric[]): string[] {
  return metrics.flatMap(({ name, read }) =>
    read().map(({ labels = {}, value, part }) => `${name}${part ? `_${part}` : ''}${labelText(labels)} ${value}`),
  )
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
