import type { Entry } from '../../model/source.ts'

const maxDepth = 64

/** Maximum length of one text, in UTF-16 code units. */
const maxTextLength = 1024 * 1024

/** Keys with a meaning in JavaScript itself. As data they serve prototype pollution only. */
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

/** Finds the line of a value by its path of keys; undefined where the line is unknown. */
export type Locate = (path: EntryPath) => number | undefined
export type EntryPath = readonly (string | number)[]

/** `line 12, servers.weather`. */
export function describeLocation(path: EntryPath, locate: Locate): string {
  const line = locate(path)
  const key = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step.slice(0, 253)}`)).join('')
  return [line === undefined ? '' : `line ${line}`, key.replace(/^\./, '')].filter(Boolean).join(', ')
}

/** Why a value is not safe plain data; undefined when it is. */
function problemIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string')
    return value.length > maxTextLength ? 'holds a text of more than a million characters' : undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'holds a number that is not finite'
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === maxDepth) return `is nested deeper than ${maxDepth} levels`
  for (const key of Object.keys(value)) {
    if (forbiddenKeys.has(key)) return `holds the key "${key}", which is not allowed`
    const problem = problemIn((value as Record<string, unknown>)[key], depth + 1)
    if (problem) return problem
  }
  return undefined
}

/** Makes an entry of a value that should be a server; an entry with a problem if it cannot be one. */
export function toEntry(value: unknown, { name, where }: { name?: string; where: string }): Entry {
  const fields = { ...(name !== undefined && { name }), ...(where !== '' && { where }) }
  if (name !== undefined && forbiddenKeys.has(name))
    return { ...fields, problem: `the name "${name}" is not allowed for a server` }
  if (!isFields(value)) return { ...fields, problem: `must be a map of fields, not ${describeKind(value)}` }
  const problem = problemIn(value)
  return problem ? { ...fields, problem } : { value, ...(where !== '' && { where }) }
}

/** The name and namespace that an entry states, as far as it states them. */
export function identityOf(entry: Entry): { readonly name?: string; readonly namespace?: string } {
  if ('problem' in entry) return entry
  const fields: unknown = 'value' in entry ? entry.value : entry.definition
  if (typeof fields !== 'object' || fields === null) return {}
  const { name, namespace } = fields as { name?: unknown; namespace?: unknown }
  return { ...(typeof name === 'string' && { name }), ...(typeof namespace === 'string' && { namespace }) }
}

export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The kind of a value, for messages; never the value itself, which may be a secret. */
export function describeKind(value: unknown): string {
  if (value === null || value === undefined) return 'blank'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}
