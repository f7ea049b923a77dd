import type { ParseArgsOptionsConfig } from 'node:util'
import type { LoadedConfig } from '../config/load.ts'
import type { RootLog } from '../log.ts'
import type { SourceStatus } from '../model/status.ts'

/** Where a command writes to, and what is known of who reads it. */
export type Terminal = {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Resolves once whoever reads `out` takes more, or the signal aborts. */
  readonly taken: (signal: AbortSignal) => Promise<void>
  /** Whether `out` goes to a person. */
  readonly tty: boolean
  readonly colour: boolean
  readonly columns: number
}

/** What a command is given. */
export type Invocation = {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  /** Aborts when the process is told to end. */
  readonly signal: AbortSignal
  /** Calls back whenever the process is told to read its config again (SIGHUP). */
  readonly onHangup: (reload: () => void) => void
  readonly startDaemon: StartDaemon
}

/** Starts the daemon; brought by whoever may know all its parts. */
export type StartDaemon = (start: {
  readonly loaded: LoadedConfig
  readonly reload: () => Promise<LoadedConfig>
  readonly log: RootLog
}) => Promise<RunningDaemon>

/** What the command line needs of a daemon. */
export type RunningDaemon = AsyncDisposable & {
  readonly url: string
  readonly reload: () => Promise<unknown>
  /** Resolves once every source has answered, or was given up on for now. */
  readonly ready: () => Promise<void>
  readonly sources: () => readonly SourceStatus[]
}

/** One command of the command line. The exit code is 0 when all is well, 1 when something is not, 2 for wrong usage. */
export type Command = {
  readonly summary: string
  /** After the command's name: `[DIR…]`. */
  readonly usage: string
  readonly options: ParseArgsOptionsConfig
  /** Whatever is no option is wrong usage. */
  readonly optionsOnly?: true
  readonly help: readonly (readonly [string, string])[]
  readonly run: (invocation: Invocation) => Promise<number>
}

/** Wrong usage: what is wrong, and the exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Something is not as it should be, and this line is all there is to say of it: exit code 1. */
export class CommandError extends Error {
  override name = 'CommandError'
}

/** The one text given for `--name`. */
export function textOption({ values }: Pick<Invocation, 'values'>, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** Every text given for `--name`. */
export function textsOf({ values }: Pick<Invocation, 'values'>, name: string): readonly string[] {
  const value = values[name]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
