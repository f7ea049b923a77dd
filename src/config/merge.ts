import type { z } from 'zod'
import type { ConfigDocument } from './document.ts'
import { valueAt } from './explain.ts'
import type { Origin, Setting } from './origin.ts'
import { kindOf, type Path, readText, schemaAt } from './shape.ts'

/** What everybody said, one upon the other. */
export type Merged = { readonly value: Record<string, unknown>; readonly originOf: (path: Path) => Origin }

/**
 * Lays `settings` over the file's values, the later over the earlier; those that come by default only where nothing is.
 *
 * A list or a section given as a whole replaces the one before.
 */
export function merge(
  document: Pick<ConfigDocument, 'value' | 'has' | 'lineOf'> | undefined,
  file: string | undefined,
  settings: readonly Setting[],
): Merged {
  // A section whose settings are all commented out is `null` in YAML, and means none.
  const sections = Object.entries(document?.value ?? {}).filter(([, section]) => section !== null)
  const value = structuredClone(Object.fromEntries(sections))
  const given = new Map<string, Origin>()
  for (const { path, value: one, origin } of settings) {
    if (origin.from === 'default' && valueAt(value, path) !== undefined) continue
    put(value, path, one)
    for (const key of given.keys()) if (key.startsWith(`${keyOf(path)}\0`)) given.delete(key)
    given.set(keyOf(path), origin)
  }

  /** Whoever said it, or the section around it; what nobody said comes by default. */
  function originOf(path: Path): Origin {
    for (let length = path.length; length > 0; length--) {
      const origin = given.get(keyOf(path.slice(0, length)))
      if (origin) return origin
    }
    if (document && file !== undefined && (document.has(path) || path.some(Number.isInteger))) {
      return { from: 'file', file, line: document.lineOf(path) }
    }
    return { from: 'default' }
  }

  return { value, originOf }
}

const keyOf = (path: Path) => path.join('\0')

function put(target: Record<string, unknown>, path: Path, value: unknown): void {
  let inner: Record<string | number, unknown> = target
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(inner, step) ? inner[step] : (inner[step] = {})
    // What is no section stays, for the schema to refuse.
    if (typeof next !== 'object' || next === null) return
    inner = next as Record<string, unknown>
  }
  const last = path.at(-1)
  if (last !== undefined) inner[last] = value
}

/** Text that came out of a placeholder is read as what the setting takes: `port: ${PORT}` is a number. */
export function typed(schema: z.ZodType, value: Record<string, unknown>, paths: readonly Path[]): void {
  for (const path of paths) {
    const text = valueAt(value, path)
    const setting = schemaAt(schema, path, value)
    const kind = setting && kindOf(setting)
    if (typeof text !== 'string' || kind === undefined || kind === 'data' || kind === 'text') continue
    put(value, path, readText(text, kind) ?? text)
  }
}
