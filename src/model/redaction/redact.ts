import type { Server } from '../server.ts'
import { redactText } from './redact-text.ts'
import { redactSecret, isSecretName, redactedText } from './secrets.ts'

/** The arguments of a command with the values of secret flags, headers, variables and whatever looks like a secret taken out. */
export function redactArgs(args: readonly string[]): string[] {
  let flag = ''
  return args.map((arg) => {
    const before = flag
    flag = /^--?[A-Za-z]/.test(arg) && !/[=:]/.test(arg) ? arg : ''
    if (before && (flag === '' || !arg.startsWith('--'))) {
      const shown = valueOf(before, arg)
      if (shown !== arg) flag = ''
      return shown
    }
    return redactArg(arg)
  })
}

function valueOf(flag: string, value: string): string {
  if (/^(-H|--headers?)$/i.test(flag)) return hideAfter(value, ':')
  if (/^(-e|--env|--build-arg)$/.test(flag)) return hideAfter(value, '=')
  if (/^(-u|--user|--proxy-user)$/.test(flag) && !value.includes('://')) return hideAfter(value, ':')
  if (isSecretName(flag) || /^--?key$/i.test(flag))
    return value.startsWith('-') && value.length < 3 ? value : redactSecret(value)
  return redactArg(value)
}

function redactArg(arg: string): string {
  const joined = /^(--?[A-Za-z][\w.-]*|\/[A-Za-z]+|[A-Za-z_][\w.-]*)([=:])([\s\S]+)$/.exec(arg)
  if (joined && !joined[3]?.startsWith('//')) {
    const [, name = '', sign = '', value = ''] = joined
    const shown = name.startsWith('-') ? valueOf(name, value) : undefined
    if (shown !== undefined && shown !== value) return `${name}${sign}${shown}`
    if (isSecretName(name)) return `${name}${sign}${redactSecret(value)}`
  }
  const short = /^-H(.+:.+)$/s.exec(arg)
  if (short?.[1]) return `-H${hideAfter(short[1], ':')}`
  return redactLoose(arg)
}

function hideAfter(text: string, sign: string): string {
  const at = text.indexOf(sign)
  if (at < 0) return redactLoose(text)
  const value = text.slice(at + 1)
  return `${text.slice(0, at + 1)}${/^\s*/.exec(value)?.[0]}${redactSecret(value)}`
}

const flagged = /(^|\s)(--?[A-Za-z][\w-]{1,64})(\s+)(?!-)("[^"]*"|'[^']*'|[^\s"']+)/g
const lines = /^(\s*(?:- )?["']?)([\w./-]{1,128})(["']?:[ \t]+)(?![|>][-+\d]*\s*$)(\S.*)$/gm

/** Text that is data rather than a message: JSON, YAML or a command line may stand in it. */
function redactLoose(text: string): string {
  const first = text.trimStart()[0]
  if (first === '{' || first === '[') {
    const parsed = parsedJson(text)
    if (parsed !== undefined) {
      const shown = redactValue(parsed)
      return shown === parsed ? text : JSON.stringify(shown)
    }
  }
  const shown = redactText(text)
  // What follows stands apart from what it is named by.
  if (!/\s/.test(shown)) return shown
  return shown
    .replaceAll(flagged, (all, start: string, flag: string, gap: string, value: string) => {
      const bare = /^(["'])(.*)\1$/s.exec(value)
      const shown = valueOf(flag, bare?.[2] ?? value)
      return shown === (bare?.[2] ?? value) ? all : `${start}${flag}${gap}${bare?.[1] ?? ''}${shown}${bare?.[1] ?? ''}`
    })
    .replaceAll(lines, (all, start: string, name: string, colon: string, value: string) =>
      isSecretName(name) ? `${start}${name}${colon}${redactSecret(value)}` : all,
    )
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Not JSON after all: read as text.
  }
}

/** Names under which everything is a secret, by the habit of putting secrets there. */
const maps = /(^|[./_-])(env|environment|environment_?variables|headers?)$/i
const deepest = 64

/** Data from outside with the values of secret names taken out at any depth; the same object where nothing was. */
export function redactValue(value: unknown, name = '', depth = 0): unknown {
  if (typeof value === 'string') {
    if (name.endsWith('last-applied-configuration')) return redactedText
    if (isSecretName(name)) return redactSecret(value)
    return redactLoose(value)
  }
  if (typeof value === 'number') return isSecretName(name) && !/tokens$/i.test(name) ? redactedText : value
  if (typeof value !== 'object' || value === null) return value
  if (depth >= deepest) return redactedText
  if (isSecretName(name)) return hideLeaves(value, depth, redactSecret)
  if (maps.test(name)) return hideLeaves(value, depth)
  if (Array.isArray(value)) return redactList(value, depth)
  return redactMap(value as Record<string, unknown>, depth)
}

function redactList(list: readonly unknown[], depth: number): readonly unknown[] {
  const texts = list.every((one) => typeof one === 'string')
  const shown = texts ? redactArgs(list) : list.map((one) => redactValue(one, '', depth + 1))
  return sameOr(list, shown)
}

/**
 * A pair spelled out, as Kubernetes and the official registry do, is judged by the name it spells. The same map where
 * nothing was taken out.
 */
function redactMap<T>(map: Readonly<Record<string, T>>, depth: number): Readonly<Record<string, T>> {
  const spelled: unknown = map['name'] ?? map['key']
  const secret = map['isSecret'] === true || (typeof spelled === 'string' && isSecretName(spelled))
  return mapped(map, (one, key) => {
    if (secret && (key === 'value' || key === 'default')) return hideLeaves(one, depth + 1)
    if (typeof one === 'string' && maps.test(key)) return redactPacked(one)
    return redactValue(one, key, depth + 1)
  })
}

/** A map of secrets written as one text, as in the annotation `mcp.env`. */
function redactPacked(text: string): string {
  const parsed = parsedJson(text)
  return typeof parsed === 'object' && parsed !== null ? JSON.stringify(hideLeaves(parsed, 0)) : redactSecret(text)
}

function hideLeaves(value: unknown, depth: number, listed: (text: string) => string = hidePair): unknown {
  if (typeof value === 'string') return redactSecret(value)
  if (typeof value === 'number') return redactedText
  if (typeof value !== 'object' || value === null) return value
  if (depth >= deepest) return redactedText
  if (Array.isArray(value))
    return value.map((one) => (typeof one === 'string' ? listed(one) : hideLeaves(one, depth + 1, listed)))
  const spelled = 'value' in value || 'default' in value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      spelled && (key === 'name' || key === 'key' || key === 'description') ? one : hideLeaves(one, depth + 1, listed),
    ]),
  )
}

/** In a list, `NAME=value` and `Name: value`; what is neither is a name. */
function hidePair(text: string): string {
  const sign = /[=:]/.exec(text)?.[0]
  return sign === undefined ? redactLoose(text) : hideAfter(text, sign)
}

/** The same map where `change` gives back each of its values: most are, and a list shows thousands of them. */
function mapped<T>(
  map: Readonly<Record<string, T>>,
  change: (value: T, key: string) => unknown,
): Readonly<Record<string, T>> {
  let changed: Map<string, unknown> | undefined
  for (const key of Object.keys(map)) {
    const before = map[key] as T
    const after = change(before, key)
    if (after !== before) (changed ??= new Map()).set(key, after)
  }
  if (!changed) return map
  return Object.fromEntries(Object.keys(map).map((key) => [key, changed.get(key) ?? map[key]])) as Record<string, T>
}

function sameOr<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  return after.every((one, index) => one === before[index]) ? before : after
}

/** The fields of a server in which a secret can stand. */
type Concealing = Partial<
  Pick<
    Server,
    | 'env'
    | 'headers'
    | 'args'
    | 'command'
    | 'url'
    | 'health_check_url'
    | 'title'
    | 'description'
    | 'metadata'
    | 'annotations'
    | 'origin'
    | 'shadows'
  >
>

/**
 * A server, or the definition of one, as everybody may see it: keys stay, secret values become `<redacted>`. The same
 * object where nothing is secret.
 *
 * Labels, tags and names are what people select by, and are never touched.
 */
export function redactServer<T extends Concealing>(server: T): T {
  const shown: Concealing = {}
  if (server.env) shown.env = mapped(server.env, redactSecret)
  if (server.headers) shown.headers = mapped(server.headers, redactSecret)
  if (server.args) shown.args = redactList(server.args, 0) as string[]
  if (server.command) shown.command = redactLoose(server.command)
  if (server.url) shown.url = redactText(server.url)
  if (server.health_check_url) shown.health_check_url = redactText(server.health_check_url)
  if (server.title) shown.title = redactText(server.title)
  if (server.description) shown.description = redactText(server.description)
  if (server.metadata) shown.metadata = redactMap(server.metadata, 0)
  if (server.annotations) shown.annotations = redactMap(server.annotations, 0)
  if (server.origin) shown.origin = redactText(server.origin)
  if (server.shadows?.some(({ origin }) => redactText(origin) !== origin)) {
    shown.shadows = server.shadows.map(({ source, origin }) => ({ source, origin: redactText(origin) }))
  }
  const fields = Object.keys(shown) as (keyof Concealing)[]
  return fields.every((field) => shown[field] === server[field]) ? server : { ...server, ...shown }
}
