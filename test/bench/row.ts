import type { Load, LoadOptions } from './load.ts'

/** One row of the table: subject, goal, and how to measure it. */
export type Row = {
  readonly name: string
  readonly goal: string
  /** Whether a value reaches the goal; absent where the goal has no number. */
  readonly reaches?: (value: number) => boolean
  readonly measure: (bench: Bench) => Promise<Measured | Skipped>
}

export type Unit = 'ratio' | 'ms' | 'MB' | 'kB' | '/s'

export type Measured = {
  readonly value: number
  readonly unit: Unit
  /** 90 % interval of the value, where it was measured in several pairs of processes. */
  readonly interval?: Interval
  /** Longest event-loop stall in ms, where the goal limits it. */
  readonly stallMs?: number
  /** Detailed figures for the JSON file. */
  readonly detail: Readonly<Record<string, number | string>>
}

export type Interval = { readonly low: number; readonly high: number }

/** A row that this machine cannot measure, with the reason. */
export type Skipped = { readonly skipped: string }

/** Resources of rows: folders, supervised processes, and the duration of a measurement. */
export type Bench = {
  readonly folder: () => string
  /** Starts the built daemon on a free loopback port, isolated from this machine's state. */
  readonly daemon: (args: readonly string[], options?: { env?: Record<string, string> }) => Promise<Peer>
  /** Starts a bare `node:http` server from a file of `peers/`. */
  readonly peer: (file: string, input?: unknown) => Promise<Peer>
  /** Starts a client from a file of `peers/` in a separate process that executes commands. */
  readonly client: (file: string) => Client
  /** Starts any program; resolves once `url` answers. */
  readonly program: (command: string, args: readonly string[], url: string) => Promise<Peer>
  /** Runs a load generator against `url` in a separate process. */
  readonly load: (url: string, options?: LoadOptions) => Promise<Load>
  /** The same for one second, as one of many samples. */
  readonly slice: (url: string, options?: LoadOptions) => Promise<Load>
  /** Path of the built executable. */
  readonly bin: string
  readonly seconds: number
  /** Whether waits last the minutes that the goals name, or are short. */
  readonly long: boolean
}

export type Peer = { readonly url: string; readonly pid: number; readonly stop: () => Promise<void> }

export type Client = { readonly ask: <T>(question: object) => Promise<T>; readonly stop: () => Promise<void> }
