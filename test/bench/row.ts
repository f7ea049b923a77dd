/** One line of the table: what is measured, what it should reach, and how it is found out. */
export type Row = {
  readonly name: string
  readonly goal: string
  /** Whether a value reaches the goal; left out where the goal is words. */
  readonly reaches?: (value: number) => boolean
  readonly measure: (bench: Bench) => Promise<Measured>
}

export type Measured = {
  readonly value: number
  readonly unit: 'ratio' | 'ms' | 'MB' | 'kB'
  /** The figures behind it, for the JSON and the curious. */
  readonly detail: Readonly<Record<string, number | string>>
}

/** What rows share: folders to write in, processes that end with the run, and how long to measure. */
export type Bench = {
  readonly folder: () => string
  /** Starts the built bin on a free port of loopback, with nothing of this machine's state. */
  readonly daemon: (args: readonly string[], options?: { env?: Record<string, string> }) => Promise<Peer>
  /** Starts a bare `node:http` server from a file of `peers/`. */
  readonly peer: (file: string, input?: unknown) => Promise<Peer>
  /** Requests per second that a load generator in its own process gets from `url`. */
  readonly load: (url: string, options?: LoadOptions) => Promise<number>
  readonly seconds: number
}

export type LoadOptions = {
  readonly connections?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A wrk script in Lua, for requests that differ. */
  readonly script?: string
}

export type Peer = { readonly url: string; readonly pid: number; readonly stop: () => Promise<void> }

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** The value below which `part` of all lie. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0
}

/** Measures two things in turn, A B A B …, and compares each pair, so that a machine whose speed drifts is fair to both. */
export async function ratioOf(
  rounds: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Measured> {
  const pairs: [number, number][] = []
  await ours()
  await theirs()
  for (let round = 0; round < rounds; round += 1) pairs.push([await ours(), await theirs()])
  const ratios = pairs.map(([a, b]) => a / b)
  return {
    value: median(ratios),
    unit: 'ratio',
    detail: {
      ours: Math.round(median(pairs.map(([a]) => a))),
      bare: Math.round(median(pairs.map(([, b]) => b))),
      least: Number(Math.min(...ratios).toFixed(3)),
      most: Number(Math.max(...ratios).toFixed(3)),
    },
  }
}
