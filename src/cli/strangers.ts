import { nearestTo } from '../config/loading/schema-issues.ts'
import { DefinitionFields } from '../model/server.ts'

/** What clients say of servers for themselves alone, and the second spellings that are understood. */
const elsewhere = new Set([
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

/** The fields of an entry that mean nothing here, each with what may have been meant. */
export function strangersIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const known = Object.keys(DefinitionFields.unwrap().shape)
  return Object.keys(value)
    .filter((field) => !known.includes(field) && !elsewhere.has(field))
    .map((field) => {
      const meant = nearestTo(field, known)
      return `${field} is no field of a server and is left out${meant === undefined ? '' : `; did you mean "${meant}"?`}`
    })
}
