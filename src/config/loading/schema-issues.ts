import { distance } from 'fastest-levenshtein'
import type * as z from 'zod'
import { redactText } from '../../model/redaction/redact-text.ts'
import { type ConfigPath, schemaAt, schemaFields, valueAt } from '../schema-paths.ts'

/** Translates one issue of zod into messages for operators. The path of an unknown key ends with that key. */
export function explainIssue(
  schema: z.ZodType,
  value: unknown,
  issue: z.core.$ZodIssue,
): readonly { path: ConfigPath; message: string }[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  if (issue.code === 'unrecognized_keys') {
    const section = schemaAt(schema, path, value)
    const keys = Object.keys(section ? schemaFields(section, valueAt(value, path)) : {})
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownSetting(key, keys) }))
  }
  return [{ path, message: redactText(issue.message) }]
}

function unknownSetting(key: string, keys: readonly string[]): string {
  const nearest = nearestTo(key, keys)
  if (nearest !== undefined) return `unknown setting; did you mean "${nearest}"?`
  return keys.length > 0 ? `unknown setting; valid here are ${keys.join(', ')}` : 'unknown setting'
}

/** The candidate closest to a misspelled word; undefined where none is close. */
export function nearestTo(word: string, candidates: readonly string[]): string | undefined {
  const nearest = candidates.toSorted((a, b) => distance(word, a) - distance(word, b))[0]
  const maxDistance = Math.max(2, word.length / 3)
  return nearest !== undefined && distance(word.toLowerCase(), nearest) <= maxDistance ? nearest : undefined
}
