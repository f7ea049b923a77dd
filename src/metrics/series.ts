export type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number }

/** One metric, and how it is read at the moment of a scrape. */
export type Series = {
  readonly type: 'gauge' | 'counter'
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  readonly read: () => readonly Sample[]
}
