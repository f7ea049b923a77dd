import { RosterError } from '../client/roster/error.ts'
import type { WatchQuery } from '../client/roster/query.ts'
import type { ConnectOptions } from '../client/roster/requests/roster-http.ts'
import { connectRoster, type Roster, type ServerDetails } from '../client/roster/roster.ts'
import { defaultNamespace } from '../model/names.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { CommandError, type Invocation, textOption, textOptions, UsageError } from './command.ts'
import { escapeControls } from './text.ts'

/** Options of every command that calls a daemon. */
export const remoteOptions = { url: { type: 'string' } } as const

export const remoteHelp = [
  ['--url URL', 'URL of the daemon (MCP_ROSTER_URL; default http://localhost:8000). Token: MCP_ROSTER_TOKEN.'],
] as const satisfies readonly (readonly [string, string])[]

/** Options that select servers. */
export const filterOptions = {
  namespace: { type: 'string', short: 'n', multiple: true },
  selector: { type: 'string', short: 'l' },
  tag: { type: 'string', multiple: true },
  status: { type: 'string', multiple: true },
  source: { type: 'string', multiple: true },
  type: { type: 'string', multiple: true },
  capability: { type: 'string', multiple: true },
  tool: { type: 'string', multiple: true },
  prompt: { type: 'string', multiple: true },
  resource: { type: 'string', multiple: true },
  extension: { type: 'string', multiple: true },
} as const

export const filterHelp = [
  ['-n, --namespace NAME', 'Servers of this namespace. Repeatable: of any of them.'],
  ['-l, --selector TEXT', 'Servers whose labels match: env=prod,tier in (a, b),!beta.'],
  ['--tag TAG', 'Servers with this tag. Repeatable: with all of them.'],
  ['--status STATUS', 'Servers of this status. Repeatable: of any of them.'],
  ['--source NAME', 'Servers of this source. Repeatable: of any of them.'],
  ['--type TYPE', 'stdio, http or sse. Repeatable: any of them.'],
  ['--capability NAME', 'Servers with this capability. Repeatable: any of them.'],
  ['--tool NAME', 'Servers with this tool. Repeatable: any of them.'],
  ['--prompt NAME', 'Servers with this prompt. Repeatable: any of them.'],
  ['--extension NAME', 'Servers with this extension of MCP. Repeatable: any of them.'],
  ['--resource URI', 'Servers with this resource. Repeatable: any of them.'],
] as const satisfies readonly (readonly [string, string])[]

/** The query of the filter options; the daemon validates it. */
export function filterOf(invocation: Invocation): WatchQuery {
  return {
    namespace: textOptions(invocation, 'namespace'),
    label_selector: textOption(invocation, 'selector'),
    source: textOptions(invocation, 'source'),
    type: textOptions(invocation, 'type') as WatchQuery['type'],
    tag: textOptions(invocation, 'tag'),
    capability: textOptions(invocation, 'capability'),
    tool: textOptions(invocation, 'tool'),
    prompt: textOptions(invocation, 'prompt'),
    resource: textOptions(invocation, 'resource'),
    extension: textOptions(invocation, 'extension'),
    status: textOptions(invocation, 'status') as WatchQuery['status'],
  }
}

/** A client of the daemon that `--url` or `MCP_ROSTER_URL` names. */
export function rosterOf(invocation: Invocation, options: Partial<ConnectOptions> = {}): Roster {
  const url = textOption(invocation, 'url') ?? (invocation.env['MCP_ROSTER_URL'] || 'http://localhost:8000')
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new UsageError(`--url must be a URL such as http://localhost:8000`)
  return connectRoster({ url, token: invocation.env['MCP_ROSTER_TOKEN'] || undefined, retries: 0, ...options })
}

/** Awaits an answer of the daemon; a `RosterError` becomes a `CommandError`. */
export async function orCommandError<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw error instanceof RosterError ? commandError(error) : error
  }
}

export function commandError(error: RosterError): CommandError {
  const message = escapeControls(redactText(error.message))
  return new CommandError(message + hintFor(error), { cause: error })
}

function hintFor({ status }: RosterError): string {
  if (status === 0) return '. Start one with "mcp-roster serve", or pass the URL of another with --url.'
  return status === 401 || status === 403 ? ' (the token comes from MCP_ROSTER_TOKEN)' : ''
}

/** Names may contain a slash: `a/b` is tried as a name first, then as `b` in the namespace `a`. */
export async function findServer(invocation: Invocation, name: string, namespace?: string): Promise<ServerDetails> {
  const roster = rosterOf(invocation)
  const slash = name.indexOf('/')
  try {
    return await roster.get({ namespace: namespace ?? defaultNamespace, name }, invocation)
  } catch (error) {
    if (!isNotFound(error) || namespace !== undefined || slash < 0) throw error
    const other = { namespace: name.slice(0, slash), name: name.slice(slash + 1) }
    return roster.get(other, invocation).catch((second: unknown) => {
      throw isNotFound(second) ? error : second
    })
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof RosterError && error.status === 404
}
