import type { Credentials, FleetOptions } from '../client/connect/fleet-options.ts'
import type { Fleet } from '../client/connect/fleet.ts'
import { parseDuration } from '../model/schema/duration.ts'
import type { Server } from '../model/server.ts'
import { type Invocation, textOption, textOptions, UsageError } from './command.ts'
import { orCommandError, remoteHelp, remoteOptions, rosterOf, findServer } from './remote.ts'
import { escapeControls } from './text.ts'

/** Options of every command that connects to servers. */
export const fleetOptions = {
  ...remoteOptions,
  'allow-stdio': { type: 'boolean' },
  header: { type: 'string', multiple: true, short: 'H' },
  env: { type: 'string', multiple: true, short: 'e' },
  secrets: { type: 'boolean' },
  timeout: { type: 'string' },
} as const

export const fleetHelp = [
  ['--allow-stdio', 'Start the command of a stdio server on this machine. Without it, a terminal is asked.'],
  ['-H, --header "NAME: VALUE"', 'Send this header to the server. Repeatable.'],
  ['-e, --env NAME', 'Fill ${NAME} in a definition from the environment. Repeatable.'],
  ['--secrets', 'Read headers and environment from the roster; the token needs the right.'],
  ['--timeout DURATION', 'Maximum time without an answer or progress (60s).'],
  ...remoteHelp,
] as const satisfies readonly (readonly [string, string])[]

/** The server that the first argument names: `NAME` or `NAMESPACE/NAME`. */
export async function serverOf(invocation: Invocation, text: string): Promise<Server> {
  return orCommandError(findServer(invocation, text))
}

/** The options of a fleet by the options of the command line. */
export function fleetOptionsOf(invocation: Invocation): FleetOptions & { readonly roster: object } {
  const { values, env, signal } = invocation
  const allowed = new Set(textOptions(invocation, 'env'))
  const headers = headersOf(invocation)
  const credentials: Credentials | undefined = Object.keys(headers).length > 0 ? { headers } : undefined
  const timeout = textOption(invocation, 'timeout')
  const seconds = timeout === undefined ? undefined : parseDuration(timeout)
  if (timeout !== undefined && !seconds) throw new UsageError('--timeout must be a duration such as 30s')
  return {
    roster: rosterOf(invocation),
    signal,
    lazy: true,
    autoReconnect: false,
    secrets: values['secrets'] === true,
    stdio: () => values['allow-stdio'] === true,
    // Only variables that are named: a registered definition may ask for any.
    placeholders: (name) => (allowed.has(name) ? env[name] : undefined),
    credentials: () => credentials,
    ...(seconds === undefined ? {} : { callTimeoutMs: seconds * 1000, connectTimeoutMs: seconds * 1000 }),
  }
}

/** Connects to the servers that match, each when it is needed. */
export async function openFleet(invocation: Invocation, options: Partial<FleetOptions>): Promise<Fleet> {
  const { connectServers } = await import('../client/connect/fleet.ts')
  const fleet = await orCommandError(connectServers({ ...fleetOptionsOf(invocation), ...options }))
  void reportMissing(fleet, invocation)
  return fleet
}

async function reportMissing(fleet: Fleet, { terminal }: Invocation): Promise<void> {
  for await (const event of fleet.events()) {
    if (event.type !== 'credentials_missing') continue
    terminal.err(
      `${escapeControls(event.server)}: ${escapeControls(event.reason)}; see --env, --header and --secrets.\n`,
    )
  }
}

/** What to do where a server demands credentials, or others. */
export function credentialsHint(reason: string): string {
  return /\bstatus 40[13]\b/.test(reason) ? '; credentials are given with --header, --env or --secrets' : ''
}

/** Whether the command of this server may be started: by `--allow-stdio`, or by the answer of a person at a terminal. */
export async function mayStart(invocation: Invocation, server: Server): Promise<boolean> {
  const { terminal, values } = invocation
  if (server.type !== 'stdio' || values['allow-stdio'] === true) return true
  const command = escapeControls([server.command, ...(server.args ?? [])].join(' '))
  if (terminal.ask) return terminal.ask(`Start "${command}" on this machine? [y/N] `)
  terminal.err(`It would start "${command}" on this machine: allow that with --allow-stdio.\n`)
  return false
}

function headersOf(invocation: Invocation): Record<string, string> {
  const pairs = textOptions(invocation, 'header').map((text) => {
    const [, name, value] = /^([\w-]+)\s*:\s*(.*)$/.exec(text) ?? []
    if (name === undefined || value === undefined)
      throw new UsageError('--header must look like "Authorization: Bearer …"')
    return [name, value] as const
  })
  return Object.fromEntries(pairs)
}
