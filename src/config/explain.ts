import { distance } from 'fastest-levenshtein'
import type { z } from 'zod'
import { redactText } from '../model/redact.ts'
import { fieldsOf, type Path, schemaAt } from './shape.ts'

/** One complaint of the schema in the words of whoever writes configs. A path of an unknown key ends with that key. */
export function explain(
  schema: z.ZodType,
  value: unknown,
  issue: z.core.$ZodIssue,
): readonly { path: Path; message: string }[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  if (issue.code === 'unrecognized_keys') {
    const section = schemaAt(schema, path, value)
    const known = Object.keys(section ? fieldsOf(section, valueAt(value, path)) : {})
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }))
  }
  return [{ path, message: redactText(messageOf(issue, valueAt(value, path))) }]
}

function messageOf(issue: z.core.$ZodIssue, given: unknown): string {
  if (issue.code === 'invalid_type' || issue.code === 'invalid_union' || issue.code === 'invalid_value') {
    if (given === undefined) return 'is needed'
  }
  if (issue.code === 'invalid_type') return `must be ${nounOf(issue.expected)}, not ${nounOf(typeOf(given))}`
  if (issue.code === 'invalid_value') return `must be ${oneOf(issue.values)}`
  if (issue.code === 'invalid_union') {
    return 'options' in issue && Array.isArray(issue.options) ? `must be ${oneOf(issue.options)}` : 'has the wrong form'
  }
  if (issue.code === 'too_big' && issue.origin === 'number') return `must be at most ${issue.maximum}`
  if (issue.code === 'too_small' && issue.origin === 'number') return `must be at least ${issue.minimum}`
  return issue.message
}

const oneOf = (values: readonly unknown[]) =>
  values.length > 1 ? `one of ${values.map(String).join(', ')}` : String(values[0])

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
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

function unknownKey(key: string, known: readonly string[]): string {
  const near = known.toSorted((a, b) => distance(key, a) - distance(key, b))[0]
  if (near !== undefined && distance(key.toLowerCase(), near) <= Math.max(2, key.length / 3)) {
    return `is no known setting; did you mean "${near}"?`
  }
  return known.length > 0 ? `is no known setting here; there are ${known.join(', ')}` : 'is no known setting here'
}

export function valueAt(value: unknown, path: Path): unknown {
  let inner = value
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) return undefined
    inner = (inner as Record<string | number, unknown>)[step]
  }
  return inner
}
