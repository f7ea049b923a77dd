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
  return [{ path, message: redactText(issue.message) }]
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
