import { nearestTo } from '../../model/query/fuzzy.ts'
import { AgentError } from './agent-error.ts'

/** Whether an option has a value of its kind, and what that kind is called. */
export type OptionCheck = readonly [accepts: (value: unknown) => boolean, kind: string]

const isText = (value: unknown) => typeof value === 'string'
const isTextList = (value: unknown) => Array.isArray(value) && value.every(isText)

export const text: OptionCheck = [(value) => isText(value) && value !== '', 'text that is not empty']
export const anyText: OptionCheck = [isText, 'text']
export const textList: OptionCheck = [isTextList, 'a list of texts']
export const list: OptionCheck = [Array.isArray, 'a list']
export const object: OptionCheck = [isRecord, 'an object']
export const textRecord: OptionCheck = [
  (value) => isRecord(value) && Object.values(value).every(isText),
  'an object of texts',
]
export const boolean: OptionCheck = [(value) => typeof value === 'boolean', 'true or false']
export const functionValue: OptionCheck = [(value) => typeof value === 'function', 'a function']
export const signalValue: OptionCheck = [(value) => value instanceof AbortSignal, 'an AbortSignal']
/** Checked where it is read. */
export const any: OptionCheck = [() => true, '']

/**
 * Checks options by name. `place` begins the message: `the tool "greet": `. What is undefined counts as left out.
 *
 * @throws {AgentError} `invalid_option`: an option is unknown, or of another kind.
 */
export function checkOptions(
  place: string,
  options: Readonly<Record<string, unknown>>,
  checks: Readonly<Record<string, OptionCheck>>,
): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) throw unknownOption(place, name, Object.keys(checks))
    const [accepts, kind] = checks[name] ?? any
    if (value !== undefined && !accepts(value))
      throw invalidOption(`${place}"${name}" must be ${kind}, not ${shown(value)}`)
  }
}

function unknownOption(place: string, name: string, known: readonly string[]): AgentError {
  const nearest = nearestTo(name, known)
  const remedy = nearest === undefined ? '' : `; did you mean "${nearest}"?`
  return invalidOption(`${place}unknown option ${shown(name)}${remedy}`)
}

export function invalidOption(message: string, cause?: unknown): AgentError {
  return new AgentError('invalid_option', message, cause === undefined ? {} : { cause })
}

/** A value for a message, cut to 100 characters. */
export function shown(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 100)
  } catch {
    return typeof value === 'bigint' ? String(value) : `a value of type ${typeof value}`
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
