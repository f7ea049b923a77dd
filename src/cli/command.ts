import type { Readable, Writable } from 'node:stream'
import type { ParseArgsOptionsConfig } from 'node:util'
import type { LoadedConfig } from '../config/load.ts'
import type { RootLog } from '../log.ts'
import type { SourceStatus } from '../model/status.ts'

/** Output of a command, and the abilities of the terminal behind it. */
export type Terminal = {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Resolves once the reader of `out` accepts more, or the signal aborts. */
  readonly drained: (signal: AbortSignal) => Promise<void>
  /** Whether `out` is a terminal. */
  readonly tty: boolean
  readonly colour: boolean
  readonly columns: number
  /** Asks a person a question that is answered with yes or no; undefined where none is there. */
  readonly ask?: ((question: string) => Promise<boolean>) | undefined
}

/** The input of a command. */
export type Invocation = {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  /** Standard input, which is not read before it is asked for. */
  readonly input: () => Readable
  /** Standard output as a stream, for what is no text for people. */
  readonly output: () => Writable
  /** Aborts on SIGTERM and SIGINT. */
  readonly signal: AbortSignal
  /** Registers a callback for SIGHUP, which reloads the config. */
  readonly onHangup: (reload: () => void) => void
  /** Hands all signals that can be caught to the command: it decides when the process ends. SIGTSTP suspends it nevertheless. */
  readonly takeSignals: (handle: (signal: NodeJS.Signals) => void) => void
  readonly startDaemon: StartDaemon
}

/** Starts the daemon. Injected, since only the composition root knows all parts. */
export type StartDaemon = (start: {
  readonly loaded: LoadedConfig
  readonly reload: () => Promise<LoadedConfig>
  readonly log: RootLog
}) => Promise<RunningDaemon>

/** The part of a running daemon that commands use. */
export type RunningDaemon = AsyncDisposable & {
  readonly url: string
  /** Where it listens, such as `0.0.0.0:8000`. */
  readonly address: string
  readonly reload: () => Promise<unknown>
  /** Resolves once every source has answered or timed out. */
  readonly ready: () => Promise<void>
  readonly sources: () => readonly SourceStatus[]
}

/** One command. Exit code 0: success; 1: a problem was found; 2: wrong usage. */
export type Command = {
  readonly summary: string
  /** Arguments as shown after the command's name: `[DIR…]`. */
  readonly usage: string
  readonly options: ParseArgsOptionsConfig
  /** Positional arguments are wrong usage. */
  readonly optionsOnly?: true
  readonly help: readonly (readonly [string, string])[]
  readonly run: (invocation: Invocation) => Promise<number>
}

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** An expected failure, printed as one line without a stack trace: exit code 1. */
export class CommandError extends Error {
  override name = 'CommandError'
}

/** The value of `--name`, where given once. */
export function textOption({ values }: Pick<Invocation, 'values'>, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** All values of a repeatable `--name`. */
export function textOptions({ values }: Pick<Invocation, 'values'>, name: string): readonly string[] {
  const value = values[name]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
