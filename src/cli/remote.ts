import { redactText } from '../model/redact.ts'
import { CommandError, type Invocation, textOf, textsOf, UsageError } from './command.ts'
import { shown } from './text.ts'

/** The options of every command that talks to a daemon. */
export const remoteOptions = { url: { type: 'string' } } as const

export const remoteHelp = [
  ['--url URL', 'The daemon to ask (MCP_ROSTER_URL; default http://localhost:8000).'],
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

/** The query parameters that the filter options mean. */
export function filterOf(invocation: Invocation): URLSearchParams {
  const parameters = new URLSearchParams()
  const add = (name: string, value: string | undefined) => value !== undefined && parameters.append(name, value)
  add('namespace', textOf(invocation, 'namespace'))
  add('label_selector', textOf(invocation, 'selector'))
  add('source', textOf(invocation, 'source'))
  add('type', textOf(invocation, 'type'))
  for (const name of ['tag', 'status']) for (const value of textsOf(invocation, name)) add(name, value)
  return parameters
}

/** What a daemon answered, and whether it was what was asked for. */
export type Answer = { readonly status: number; readonly body: unknown }

/** Asks the daemon that `--url` or `MCP_ROSTER_URL` names; throws a `CommandError` where none answers. */
export async function ask(invocation: Invocation, path: string, parameters = new URLSearchParams()): Promise<Answer> {
  const base = textOf(invocation, 'url') ?? (invocation.env['MCP_ROSTER_URL'] || 'http://localhost:8000')
  if (!/^https?:\/\//i.test(base) || !URL.canParse(base))
    throw new UsageError(`--url must be a URL such as http://localhost:8000`)
  const url = new URL(`${base.replace(/\/+$/, '')}${path}`)
  url.search = parameters.toString()
  const token = invocation.env['MCP_ROSTER_TOKEN'] || passwordIn(url)
  const response = await exchange(url, token, invocation.signal)
  const text = await response.text()
  try {
    return { status: response.status, body: JSON.parse(text) as unknown }
  } catch (error) {
    throw new CommandError(
      `${url.origin} answered ${response.status} with something that is no JSON: is it an mcp-roster?`,
      {
        cause: error,
      },
    )
  }
}

/** A token may also stand in the URL, where `fetch` would not take it. */
function passwordIn(url: URL): string | undefined {
  const token = decodeURIComponent(url.password || url.username)
  url.username = ''
  url.password = ''
  return token || undefined
}

async function exchange(url: URL, token: string | undefined, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    })
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const why =
      code === 'ECONNREFUSED' ? 'nobody listens there' : cause instanceof Error ? cause.message || code : String(cause)
    throw new CommandError(
      `no daemon answers at ${url.origin}: ${redactText(why)}. Start one with "mcp-roster serve", or name another with --url.`,
      { cause: error },
    )
  }
}

/** The body of a good answer; throws a `CommandError` with what the daemon said otherwise. */
export function bodyOf({ status, body }: Answer): Record<string, unknown> {
  const map = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  if (status < 300) return map
  const said = typeof map['detail'] === 'string' ? map['detail'] : `the daemon answered ${status}`
  const hint = status === 401 || status === 403 ? ' (the token comes from MCP_ROSTER_TOKEN)' : ''
  throw new CommandError(shown(redactText(said)) + hint)
}
