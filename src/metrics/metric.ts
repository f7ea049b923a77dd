export type Sample = {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
  /** Which part of a summary it is. */
  readonly part?: 'sum' | 'count'
}

/** One metric of Prometheus; `read` takes its samples at each scrape. */
export type Metric = {
  /** `untyped`: a gauge whose name, which others chose, is that of a counter. */
  readonly type: 'gauge' | 'counter' | 'summary' | 'untyped'
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  readonly read: () => readonly Sample[]
}

/** A gauge without labels. */
export function gauge(name: string, help: string, value: () => number): Metric {
  return { type: 'gauge', name, help, read: () => [{ value: value() }] }
}

/** A counter without labels. */
export function counter(name: string, help: string, value: () => number): Metric {
  return { type: 'counter', name, help, read: () => [{ value: value() }] }
}
