import { connectRoster, type Roster } from '../client/connect.ts'
import { RosterError } from '../client/error.ts'
import type { WatchQuery } from '../client/query.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { CommandError, type Invocation, textOption, textsOf, UsageError } from './command.ts'
import { shown } from './text.ts'

/** The options of every command that talks to a daemon. */
export const remoteOptions = { url: { type: 'string' } } as const

export const remoteHelp = [
  ['--url URL', 'The daemon to ask (MCP_ROSTER_URL; default http://localhost:8000). Its token: MCP_ROSTER_TOKEN.'],
] as const satisfies readonly (readonly [string, string])[]

/** The options that choose servers. */
export const filterOptions = {
  namespace: { type: 'string', short: 'n' },
  selector: { type: 'string', short: 'l' },
  tag: { type: 'string', multiple: true },
  status: { type: 'string', multiple: true },
  source: { type: 'string' },
  type: { type: 'string' },
} as const

export const filterHelp = [
  ['-n, --namespace NAME', 'Only servers of this namespace.'],
  ['-l, --selector TEXT', 'Only servers whose labels match: env=prod,tier in (a, b),!beta.'],
  ['--tag TAG', 'Only servers with this tag; several: with all of them.'],
  ['--status STATUS', 'Only servers of this status.'],
  ['--source NAME', 'Only servers of this source.'],
  ['--type TYPE', 'Only stdio, http or sse.'],
] as const satisfies readonly (readonly [string, string])[]

/** The query that the filter options mean; whether it makes sense, the daemon says. */
export function filterOf(invocation: Invocation): WatchQuery {
  return {
    namespace: textOption(invocation, 'namespace'),
    label_selector: textOption(invocation, 'selector'),
    source: textOption(invocation, 'source'),
    type: textOption(invocation, 'type') as WatchQuery['type'],
    tag: textsOf(invocation, 'tag'),
    status: textsOf(invocation, 'status') as WatchQuery['status'],
  }
}

/** The daemon that `--url` or `MCP_ROSTER_URL` names. */
export function rosterOf(invocation: Invocation): Roster {
  const url = textOption(invocation, 'url') ?? (invocation.env['MCP_ROSTER_URL'] || 'http://localhost:8000')
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new UsageError(`--url must be a URL such as http://localhost:8000`)
  return connectRoster({ url, token: invocation.env['MCP_ROSTER_TOKEN'] || undefined })
}

/** What the daemon answered; throws a `CommandError` with what it said instead, or that there is none. */
export async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw error instanceof RosterError ? commandError(error) : error
  }
}

export function commandError(error: RosterError): CommandError {
  const said = shown(redactText(error.message))
  return new CommandError(said + hintFor(error), { cause: error })
}

function hintFor({ status }: RosterError): string {
  if (status === 0) return '. Start one with "mcp-roster serve", or name another with --url.'
  return status === 401 || status === 403 ? ' (the token comes from MCP_ROSTER_TOKEN)' : ''
}
