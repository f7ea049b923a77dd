import { mapValues } from '../data/map-values.ts'
import { createArgRedactor, hideAfter } from './args.ts'
import { redactCommandLine } from './command-line.ts'
import { maxMatchedLength, redactByForm, redactText } from './redact-text.ts'
import { redactSecret, isSecretName, redactedText } from './secrets.ts'

/** Redacts the arguments of a command: values of secret flags, headers and variables, and recognised tokens. */
export function redactArgs(args: readonly string[], command = ''): string[] {
  const next = createArgRedactor(command, redactLoose)
  return args.map((arg) => next(arg))
}

const lines = /^([^\S\r\n]*(?:- )?["']?)([\w./-]{1,128})(["']?:[ \t]+)(?![|>][-+\d]*[^\S\r\n]*$)(\S.*)$/gm

/** Redacts text that may contain JSON, YAML or a command line. */
export function redactLoose(text: string): string {
  const first = text.trimStart()[0]
  if (first === '{' || first === '[') {
    const parsed = parsedJson(text)
    if (parsed !== undefined) {
      const shown = redactValue(parsed)
      return shown === parsed ? text : JSON.stringify(shown)
    }
  }
  if (text.length > maxMatchedLength) return redactedText
  const shown = redactText(text)
  // Names and values are separated by white space below, so text without any is done.
  if (!/\s/.test(shown)) return shown
  return redactCommandLine(shown, redactLoose).replaceAll(
    lines,
    (all, start: string, name: string, colon: string, value: string) =>
      isSecretName(name) ? `${start}${name}${colon}${redactSecret(value)}` : all,
  )
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Not JSON: redacted as text.
  }
}

/** Names of maps whose values usually are secrets, so that all are redacted. */
const secretMaps = /(^|[./_-])(env|environment|environment_?variables|headers?)$/i
/** Data nested deeper is redacted as a whole. */
const maxDepth = 64

/** Redacts the values of secret names at any depth; the same object where nothing is redacted. */
export function redactValue(value: unknown, name = '', depth = 0): unknown {
  if (typeof value === 'string') {
    if (name.endsWith('last-applied-configuration')) return redactedText
    if (isSecretName(name)) return redactSecret(value)
    return redactLoose(value)
  }
  if (typeof value === 'number') return isSecretName(name) && !/tokens$/i.test(name) ? redactedText : value
  if (typeof value !== 'object' || value === null) return value
  if (depth >= maxDepth) return redactedText
  if (isSecretName(name)) return hideLeaves(value, depth, redactSecret)
  if (secretMaps.test(name)) return hideLeaves(value, depth)
  if (Array.isArray(value)) return redactList(value, depth)
  return redactMap(value as Record<string, unknown>, depth)
}

function redactList(list: readonly unknown[], depth: number): readonly unknown[] {
  const redacted = isTexts(list) ? redactArgs(list) : list.map((one) => redactValue(one, '', depth + 1))
  return sameOr(list, redacted)
}

/**
 * Redacts a map; the same object where nothing is redacted. A pair written as `{name, value}`, as in Kubernetes and the
 * official registry, is judged by its `name`.
 */
function redactMap<T>(map: Readonly<Record<string, T>>, depth: number): Readonly<Record<string, T>> {
  const pairName: unknown = map['name'] ?? map['key']
  const isSecretPair = map['isSecret'] === true || (typeof pairName === 'string' && isSecretName(pairName))
  return mapValues<unknown>(map, (one, key) => {
    if (isSecretPair && (key === 'value' || key === 'default')) return hideLeaves(one, depth + 1)
    if (typeof one === 'string' && secretMaps.test(key)) return redactPacked(one)
    if (key === 'args' && isTexts(one)) return sameOr(one, redactArgs(one, commandOf(map)))
    return redactValue(one, key, depth + 1)
  }) as Readonly<Record<string, T>>
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/** The command beside its `args`. */
function commandOf(map: Readonly<Record<string, unknown>>): string {
  const { command } = map
  return typeof command === 'string' ? command : ''
}

/** Redacts a map of secrets that is written as one text, as in the annotation `mcp.env`. */
function redactPacked(text: string): string {
  const parsed = parsedJson(text)
  return typeof parsed === 'object' && parsed !== null ? JSON.stringify(hideLeaves(parsed, 0)) : redactSecret(text)
}

function hideLeaves(value: unknown, depth: number, listed: (text: string) => string = hidePair): unknown {
  if (typeof value === 'string') return redactSecret(value)
  if (typeof value === 'number') return redactedText
  if (typeof value !== 'object' || value === null) return value
  if (depth >= maxDepth) return redactedText
  if (Array.isArray(value))
    return value.map((one) => (typeof one === 'string' ? listed(one) : hideLeaves(one, depth + 1, listed)))
  const isPair = 'value' in value || 'default' in value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      isPair && (key === 'name' || key === 'key' || key === 'description') ? one : hideLeaves(one, depth + 1, listed),
    ]),
  )
}

/** Redacts the value of `NAME=value` or `Name: value` in a list; any other text is a name. */
function hidePair(text: string): string {
  const sign = /[=:]/.exec(text)?.[0]
  return sign === undefined ? redactLoose(text) : hideAfter(text, sign, redactLoose)
}

function sameOr<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  return after.every((one, index) => one === before[index]) ? before : after
}

/** Redacts what is a secret by its form at any depth; the same object where nothing is. */
export function redactForms(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactByForm(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= maxDepth) return redactedText
  if (Array.isArray(value))
    return sameOr(
      value,
      value.map((one) => redactForms(one, depth + 1)),
    )
  return mapValues<unknown>(value as Readonly<Record<string, unknown>>, (one) => redactForms(one, depth + 1))
}
