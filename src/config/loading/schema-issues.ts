import { distance } from 'fastest-levenshtein'
import type * as z from 'zod'
import { redactText } from '../../model/redaction/redact-text.ts'
import { schemaFields, type ConfigPath, schemaAt } from '../schema-paths.ts'

/** One complaint of the schema in the words of whoever writes configs. A path of an unknown key ends with that key. */
export function explainIssue(
  schema: z.ZodType,
  value: unknown,
  issue: z.core.$ZodIssue,
): readonly { path: ConfigPath; message: string }[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  if (issue.code === 'unrecognized_keys') {
    const section = schemaAt(schema, path, value)
    const known = Object.keys(section ? schemaFields(section, valueAt(value, path)) : {})
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }))
  }
  return [{ path, message: redactText(issue.message) }]
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearestTo(key, known)
  if (near !== undefined) return `is no known setting; did you mean "${near}"?`
  return known.length > 0 ? `is no known setting here; there are ${known.join(', ')}` : 'is no known setting here'
}

/** The one of `known` that was probably meant by a word; undefined where none is near. */
export function nearestTo(word: string, known: readonly string[]): string | undefined {
  const near = known.toSorted((a, b) => distance(word, a) - distance(word, b))[0]
  return near !== undefined && distance(word.toLowerCase(), near) <= Math.max(2, word.length / 3) ? near : undefined
}

export function valueAt(value: unknown, path: ConfigPath): unknown {
  let inner = value
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) return undefined
    inner = (inner as Record<string | number, unknown>)[step]
  }
  return inner
}
