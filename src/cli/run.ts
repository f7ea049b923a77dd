import { parseArgs } from 'node:util'
import { closest } from 'fastest-levenshtein'
import type { ConfigError } from '../config/setting-origin.ts'
import { type Command, CommandError, type Invocation, type Terminal, UsageError } from './command.ts'
import { commandHelp, generalHelp, version } from './help.ts'

/** Every command, loaded on use: `list` does not pay for the modules of `serve`. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  check: async () => (await import('./check.ts')).check,
  discover: async () => (await import('./discover.ts')).discover,
  list: async () => (await import('./list.ts')).list,
  get: async () => (await import('./get.ts')).get,
  pick: async () => (await import('./pick.ts')).pick,
  watch: async () => (await import('./watch.ts')).watch,
  tools: async () => (await import('./tools.ts')).tools,
  call: async () => (await import('./call.ts')).call,
  connect: async () => (await import('./connect.ts')).connect,
  explain: async () => (await import('./explain.ts')).explain,
  agent: async () => (await import('./agent.ts')).agent,
  events: async () => (await import('./events.ts')).events,
  cluster: async () => (await import('./cluster.ts')).cluster,
  export: async () => (await import('./export.ts')).exportCommand,
  config: async () => (await import('./config.ts')).config,
  import: async () => (await import('./import.ts')).importCommand,
  backup: async () => (await import('./backup.ts')).backupCommand,
  restore: async () => (await import('./restore.ts')).restoreCommand,
}

/** Runs one command line; resolves with the exit code. */
export async function run(
  argv: readonly string[],
  context: Omit<Invocation, 'values' | 'positionals'>,
): Promise<number> {
  const { terminal } = context
  try {
    const [name, rest] = commandOf(argv)
    if (name === 'version') return print(`${version}\n`)
    if (name === 'help') return print(rest[0] === undefined ? await generalHelp(commands) : await helpOf(rest[0]))
    const command = await load(name)
    // Behind "--" stand the options of another command.
    const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest
    if (own.includes('--help') || own.includes('-h')) return print(commandHelp(name, command))
    return await command.run({ ...context, ...parsed(name, command, rest) })
  } catch (error) {
    return exitCodeOf(error, terminal)
  }

  function print(text: string): number {
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
  throw new UsageError(`unknown command "${name}"; did you mean "${near}"? See mcp-roster --help.`)
}

/** The command and its arguments. Without a command (`mcp-roster`, `mcp-roster ./servers`): serve. */
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

function exitCodeOf(error: unknown, { err }: Terminal): number {
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

/** Compares the name: most commands do not load the module of this class. */
function isConfigError(error: unknown): error is ConfigError {
  return error instanceof Error && error.name === 'ConfigError'
}
