import { parseArgs } from 'node:util'
import { closest } from 'fastest-levenshtein'
import type { ConfigError } from '../config/setting-origin.ts'
import { type Command, CommandError, type Invocation, type Terminal, UsageError } from './command.ts'
import { commandHelp, overview, version } from './help.ts'

/** Every command, loaded when it is asked for: `list` need not wait for what `serve` needs. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  check: async () => (await import('./check.ts')).check,
  discover: async () => (await import('./discover.ts')).discover,
  list: async () => (await import('./list.ts')).list,
  get: async () => (await import('./get.ts')).get,
  watch: async () => (await import('./watch.ts')).watch,
  export: async () => (await import('./export.ts')).exports,
  config: async () => (await import('./config.ts')).config,
  import: async () => (await import('./import.ts')).imports,
  backup: async () => (await import('./backup.ts')).backups,
  restore: async () => (await import('./restore.ts')).restores,
}

/** Runs what the command line asks for; the number is the exit code. */
export async function run(
  argv: readonly string[],
  surroundings: Omit<Invocation, 'values' | 'positionals'>,
): Promise<number> {
  const { terminal } = surroundings
  try {
    const [name, rest] = commandOf(argv)
    if (name === 'version') return say(`${version}\n`)
    if (name === 'help') return say(rest[0] === undefined ? await overview(commands) : await helpOf(rest[0]))
    const command = await load(name)
    if (rest.includes('--help') || rest.includes('-h')) return say(commandHelp(name, command))
    return await command.run({ ...surroundings, ...parsed(name, command, rest) })
  } catch (error) {
    return failed(error, terminal)
  }

  function say(text: string): number {
    terminal.out(text)
    return 0
  }
}

async function helpOf(name: string): Promise<string> {
  return commandHelp(name, await load(name))
}

async function load(name: string): Promise<Command> {
  const loader = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (loader) return loader()
  const near = closest(name, Object.keys(commands))
  throw new UsageError(`there is no command "${name}"; did you mean "${near}"? See mcp-roster --help.`)
}

/** Without a command, `mcp-roster` serves, and so does `mcp-roster ./servers`. */
function commandOf(argv: readonly string[]): [string, readonly string[]] {
  const [first, ...rest] = argv
  if (first === undefined) return ['serve', []]
  if (first === '--version' || first === '-V' || first === 'version') return ['version', []]
  if (first === '--help' || first === '-h' || first === 'help') return ['help', rest]
  if (first.startsWith('-') || /[/.~*]/.test(first)) return ['serve', argv]
  return [first, rest]
}

function parsed(
  name: string,
  { options, optionsOnly }: Command,
  args: readonly string[],
): Pick<Invocation, 'values' | 'positionals'> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: optionsOnly !== true, strict: true })
  } catch (error) {
    const [why = ''] = error instanceof Error ? error.message.split('. To specify') : []
    throw new UsageError(`${why}. See mcp-roster ${name} --help.`.replaceAll('..', '.'), { cause: error })
  }
}

function failed(error: unknown, { err }: Terminal): number {
  if (error instanceof UsageError) {
    err(`mcp-roster: ${error.message}\n`)
    return 2
  }
  if (isConfigError(error)) {
    err(`${error.message}\n`)
    return error.problems.every(({ origin }) => origin?.from === 'flag') ? 2 : 1
  }
  if (!(error instanceof CommandError)) throw error
  err(`${error.message}\n`)
  return 1
}

/** By its name: not every command loads what reads a config. */
function isConfigError(error: unknown): error is ConfigError {
  return error instanceof Error && error.name === 'ConfigError'
}
