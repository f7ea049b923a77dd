import { nearestTo } from '../model/query/fuzzy.ts'
import { DefinitionFields } from '../model/server.ts'

/** Fields that MCP clients use for themselves, and accepted synonyms. */
const clientFields = new Set([
  'transport',
  'disabled',
  'alwaysAllow',
  'autoApprove',
  'timeout',
  'gallery',
  'envFile',
  'oauth',
  'dev',
])

/** One warning for each unknown field of an entry, with the nearest known one. */
export function unknownFieldsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const knownFields = Object.keys(DefinitionFields.unwrap().shape)
  return Object.keys(value)
    .filter((field) => !knownFields.includes(field) && !clientFields.has(field))
    .map((field) => {
      const nearest = nearestTo(field, knownFields)
      return `unknown field ${field} is ignored${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`
    })
}
