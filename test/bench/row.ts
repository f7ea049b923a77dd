import type { Load, LoadOptions } from './load.ts'

/** One line of the table: what is measured, what it should reach, and how it is found out. */
export type Row = {
  readonly name: string
  readonly goal: string
  /** Whether a value reaches the goal; left out where the goal is words. */
  readonly reaches?: (value: number) => boolean
  readonly measure: (bench: Bench) => Promise<Measured | Skipped>
}

export type Unit = 'ratio' | 'ms' | 'MB' | 'kB' | '/s'

export type Measured = {
  readonly value: number
  readonly unit: Unit
  /** The longest stall of the event loop meanwhile, where the goal allows none that is long. */
  readonly stallMs?: number
  /** The figures behind it, for the JSON and the curious. */
  readonly detail: Readonly<Record<string, number | string>>
}

/** What this machine cannot measure, and why. */
export type Skipped = { readonly skipped: string }

/** What rows share: folders to write in, processes that end with the run, and how long to measure. */
export type Bench = {
  readonly folder: () => string
  /** Starts the built bin on a free port of loopback, with nothing of this machine's state. */
  readonly daemon: (args: readonly string[], options?: { env?: Record<string, string> }) => Promise<Peer>
  /** Starts a bare `node:http` server from a file of `peers/`. */
  readonly peer: (file: string, input?: unknown) => Promise<Peer>
  /** Starts a client from a file of `peers/`, in a process of its own that does what it is asked. */
  readonly client: (file: string) => Client
  /** Starts any program; it is there once `url` answers. */
  readonly program: (command: string, args: readonly string[], url: string) => Promise<Peer>
  /** What a load generator in its own process gets from `url`. */
  readonly load: (url: string, options?: LoadOptions) => Promise<Load>
  /** The same for one second, as one of many to be compared. */
  readonly slice: (url: string, options?: LoadOptions) => Promise<Load>
  /** The file of the built bin. */
  readonly bin: string
  readonly seconds: number
  /** Whether the waits are those of the goals, minutes, or short ones. */
  readonly long: boolean
}

export type Peer = { readonly url: string; readonly pid: number; readonly stop: () => Promise<void> }

export type Client = { readonly ask: <T>(question: object) => Promise<T>; readonly stop: () => Promise<void> }
