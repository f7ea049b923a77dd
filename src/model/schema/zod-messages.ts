import type * as z from 'zod'

/**
 * The error message of a zod issue, for the author of the value; passed to a parse as `error`.
 *
 * Names the expected and the actual type, never the value, which may be a secret.
 */
export function zodMessage(issue: z.core.$ZodRawIssue): string | undefined {
  const { code, input } = issue
  if (code === 'invalid_type' || code === 'invalid_union' || code === 'invalid_value') {
    if (input === undefined) return 'is needed'
  }
  switch (code) {
    case 'invalid_type':
      return issue.expected === 'int' && typeof input === 'number'
        ? 'must be a whole number'
        : `must be ${nounOf(issue.expected)}, not ${nounOf(typeOf(input))}`
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`
    case 'invalid_union':
      if (!Array.isArray(issue.options)) return 'has the wrong form'
      return `${hasField(input, issue['discriminator']) ? 'must be' : 'is needed:'} ${oneOf(issue.options)}`
    case 'invalid_key':
      return 'has a name that is not allowed'
    case 'too_big':
      return `must ${measure(issue.origin)} at most ${issue.maximum}${unitOf(issue.origin)}`
    case 'too_small':
      if (issue.origin !== 'number' && Number(issue.minimum) === 1) return 'must not be empty'
      return `must ${measure(issue.origin)} at least ${issue.minimum}${unitOf(issue.origin)}`
    default:
      return undefined
  }
}

function hasField(value: unknown, field: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof field === 'string' && Object.hasOwn(value, field)
}

const measure = (origin: string) => (origin === 'array' || origin === 'set' || origin === 'object' ? 'hold' : 'be')

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters long'
  return measure(origin) === 'hold' ? ' entries' : ''
}

const oneOf = (values: readonly unknown[]) =>
  values.length > 1 ? `one of ${values.map(String).join(', ')}` : String(values[0])

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number that is not finite'
  return value === null ? 'null' : typeof value
}

const nouns: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
}

function nounOf(type: string): string {
  return nouns[type] ?? type
}
