import type { Entry } from '../../model/source.ts'

const mostDepth = 64
const mostText = 1024 * 1024

/** Keys that mean something to the language itself; as data they only serve to attack. */
const forbidden = new Set(['__proto__', 'constructor', 'prototype'])

/** Where something stands in a document: the line of a path of keys, where that is known. */
export type Locate = (path: EntryPath) => number | undefined
export type EntryPath = readonly (string | number)[]

/** `line 12, servers.weather`. */
export function describeLocation(path: EntryPath, locate: Locate): string {
  const line = locate(path)
  const key = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step.slice(0, 253)}`)).join('')
  return [line === undefined ? '' : `line ${line}`, key.replace(/^\./, '')].filter(Boolean).join(', ')
}

/** Why a value is no plain data that anybody may go through; undefined when it is. */
function flawOf(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string')
    return value.length > mostText ? 'holds a text of more than a million characters' : undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'holds a number that is not finite'
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === mostDepth) return `is nested deeper than ${mostDepth} levels`
  for (const key of Object.keys(value)) {
    if (forbidden.has(key)) return `holds the key "${key}", which is not allowed`
    const flaw = flawOf((value as Record<string, unknown>)[key], depth + 1)
    if (flaw) return flaw
  }
  return undefined
}

/** An entry of a value that claims to be a server, or the reason why it cannot be one. */
export function toEntry(value: unknown, { name, where }: { name?: string; where: string }): Entry {
  const place = { ...(name !== undefined && { name }), ...(where !== '' && { where }) }
  if (name !== undefined && forbidden.has(name)) return { ...place, problem: `no server may be called "${name}"` }
  if (!isFields(value)) return { ...place, problem: `must be a map of fields, not ${describeKind(value)}` }
  const flaw = flawOf(value)
  return flaw ? { ...place, problem: flaw } : { value, ...(where !== '' && { where }) }
}

export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a value is, for people; never the value itself, which may be a secret. */
export function describeKind(value: unknown): string {
  if (value === null || value === undefined) return 'blank'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}
