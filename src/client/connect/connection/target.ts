import type { AuthProvider, OAuthClientProvider } from '@modelcontextprotocol/client'
import type { ServerId } from '../../../model/identity.ts'
import { mcpUrlOf } from '../../../model/mcp-url.ts'
import { placeholder } from '../../../model/redaction/placeholder.ts'
import { redactText } from '../../../model/redaction/redact-text.ts'
import type { Server } from '../../../model/server.ts'
import type { EmittedEvent } from '../fleet-events.ts'
import type { Credentials, FleetSettings } from '../fleet-options.ts'
import { askOnce } from './authorization.ts'

/** Where and how to connect, with its secrets. Lives as long as one session. */
export type Target = {
  /** Removes the secrets of this target from a text. */
  readonly scrub: (text: string) => string
} & (
  | {
      readonly type: 'http' | 'sse'
      readonly url: URL
      readonly headers: Readonly<Record<string, string>>
      readonly authProvider?: AuthProvider | OAuthClientProvider | undefined
    }
  | {
      readonly type: 'stdio'
      readonly command: string
      readonly args: readonly string[]
      readonly env: Readonly<Record<string, string>>
      readonly cwd?: string | undefined
    }
)

/** A server that cannot be connected as it is defined, or not from here. */
export class TargetError extends Error {
  override name = 'TargetError'
}

type Definition = Pick<Server, 'url' | 'command' | 'args' | 'env' | 'headers' | 'cwd'>
type Parts = {
  readonly settings: Pick<FleetSettings, 'placeholders' | 'credentials' | 'allowOriginChange' | 'secrets'>
  /** The definition with its secrets. */
  readonly revealed: (server: Server) => Promise<Definition>
  readonly emit: (event: EmittedEvent) => void
}

/**
 * Resolves servers to targets.
 *
 * Credentials are bound to a server's id and to the origin that they first went to (for a command: to the command). When the origin
 * changes they are withheld, unless `allowOriginChange` agrees.
 */
export function createTargets({ settings, revealed, emit }: Parts) {
  const boundTo = new Map<ServerId, string>()

  async function resolve(server: Server): Promise<Target> {
    const definition = settings.secrets ? await revealed(server) : server
    const missing: string[] = []
    const fill = createFill(settings.placeholders, missing)
    const address = addressOf(server, definition, fill)
    const isAllowed = await mayHaveCredentials(server, address.origin)
    const given = isAllowed ? await settings.credentials(server) : undefined
    const filled = isAllowed ? fill.map(server.type === 'stdio' ? definition.env : definition.headers) : {}
    const named = { ...filled, ...addressHeaders(address), ...(server.type === 'stdio' ? given?.env : given?.headers) }
    tellMissing(
      server,
      missing.filter((name) => !Object.hasOwn(named, name)),
    )
    if (!isAllowed) return { ...bare(address), scrub: scrubberOf([]) }
    const hasCredentials = Object.keys(named).length > 0 || given?.authProvider !== undefined
    if (hasCredentials) boundTo.set(server.id, address.origin)
    return { ...equipped(address, named, given), scrub: scrubberOf(Object.values(named)) }
  }

  async function mayHaveCredentials(server: Server, origin: string): Promise<boolean> {
    const bound = boundTo.get(server.id)
    if (bound === undefined || bound === origin) return true
    if (await settings.allowOriginChange(server, bound)) return true
    emit({ type: 'credentials_withheld', server: server.id, reason: `${bound} has become ${origin}` })
    return false
  }

  function tellMissing({ id }: Server, missing: readonly string[]): void {
    if (missing.length === 0) return
    emit({ type: 'credentials_missing', server: id, reason: `no value for ${missing.join(', ')}` })
  }

  return { resolve }
}

const redacted = /<redacted>|%3Credacted%3E/i

type Fill = ReturnType<typeof createFill>

/** Fills placeholders; what has no value is undefined. */
function createFill(valueOf: (name: string) => string | undefined, missing: string[]) {
  function text(value: string): string | undefined {
    let isComplete = true
    const filled = value.replaceAll(placeholder, (_, _kind: string, name?: string, fallback?: string) => {
      const found = name === undefined ? undefined : (valueOf(name) ?? fallback)
      if (found === undefined) isComplete = false
      return found ?? ''
    })
    // The default of a placeholder is redacted too.
    return isComplete && !redacted.test(filled) ? filled : undefined
  }

  function map(values: Readonly<Record<string, string>> = {}): Record<string, string> {
    const filled: [string, string][] = []
    for (const [name, value] of Object.entries(values)) {
      const known = text(value)
      if (known === undefined) missing.push(name)
      else filled.push([name, known])
    }
    return Object.fromEntries(filled)
  }

  return { text, map, missing }
}

type Address =
  | { readonly type: 'http' | 'sse'; readonly url: URL; readonly userinfo: string; readonly origin: string }
  | {
      readonly type: 'stdio'
      readonly command: string
      readonly args: readonly string[]
      readonly cwd: string | undefined
      readonly origin: string
    }

function addressOf(server: Server, definition: Definition, fill: Fill): Address {
  if (server.type === 'stdio') return commandOf(definition, fill)
  const url = urlOf(mcpUrlOf({ ...server, url: definition.url }) ?? '', fill)
  const userinfo =
    url.username || url.password ? `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` : ''
  url.username = ''
  url.password = ''
  return { type: server.type, url, userinfo, origin: url.origin }
}

function commandOf({ command = '', args = [], cwd }: Definition, fill: Fill): Address {
  const filled = [command, ...args].map((part) => fill.text(part))
  if (filled.includes(undefined)) throw new TargetError('its command has parts without a value')
  const [program = '', ...rest] = filled as string[]
  return { type: 'stdio', command: program, args: rest, cwd, origin: `command ${program}` }
}

/** The URL; its user and parameters without a value are left out, any other part must have one. */
function urlOf(text: string, fill: Fill): URL {
  const whole = fill.text(text)
  if (whole !== undefined && URL.canParse(whole)) return new URL(whole)
  const bare = text.replace(/^(https?:\/\/)[^/?#]*@/i, '$1')
  const [path = '', query] = bare.split('?', 2)
  const filled = fill.text(path)
  if (filled === undefined || !URL.canParse(filled)) throw new TargetError('its URL has parts without a value')
  if (bare !== text) fill.missing.push('the user in the URL')
  const url = new URL(filled)
  for (const [name, value] of new URLSearchParams(query)) {
    const known = fill.text(value)
    if (known === undefined) fill.missing.push(`the parameter ${name}`)
    else url.searchParams.append(name, known)
  }
  return url
}

const addressHeaders = (address: Address): Record<string, string> =>
  address.type !== 'stdio' && address.userinfo ? { Authorization: `Basic ${btoa(address.userinfo)}` } : {}

function bare(address: Address) {
  if (address.type === 'stdio') return { ...address, env: {} }
  return { type: address.type, url: address.url, headers: {} }
}

function equipped(address: Address, values: Readonly<Record<string, string>>, given: Credentials | undefined) {
  if (address.type === 'stdio') return { ...address, env: values }
  return {
    type: address.type,
    url: address.url,
    headers: values,
    authProvider: given?.authProvider && askOnce(given.authProvider),
  }
}

/** Shorter values are no secrets, and replacing them would garble texts. */
const minSecretLength = 6

function scrubberOf(values: readonly string[]): (text: string) => string {
  const secrets = values
    .flatMap((value) => [value, ...value.split(/[\s:;,]+/)])
    .filter(({ length }) => length >= minSecretLength)
  return (text) => {
    let clean = text
    for (const secret of secrets) clean = clean.replaceAll(secret, '<redacted>')
    return redactText(clean)
  }
}
