import type { Entry } from '../../model/source.ts'
import { isFields } from './entry.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** One without an end reaches to the end of the text, so that no later start is tried in it. */
const placeholderPattern = /\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?(\}|$)/g

/** Replaces `${VAR}`, `${VAR:-default}` and `${env:VAR}` by values. An unset variable without a default stays as it is. */
function expandText(text: string, env: Environment): string {
  return text.replaceAll(placeholderPattern, (placeholder, name: string, fallback: string | undefined, end: string) => {
    if (end === '') return placeholder
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    // As in a shell, `:-` also replaces a variable that is set but empty.
    if (value !== undefined && (value !== '' || fallback === undefined)) return value
    return fallback ?? placeholder
  })
}

/** Expands every text in the values of entries; keys stay as they are. */
export function expandEntries(entries: readonly Entry[], env: Environment): Entry[] {
  return entries.map((entry) => ('value' in entry ? { ...entry, value: expandValue(entry.value, env) } : entry))
}

function expandValue(value: unknown, env: Environment): unknown {
  if (typeof value === 'string') return value.includes('${') ? expandText(value, env) : value
  if (Array.isArray(value)) return value.map((item) => expandValue(item, env))
  if (!isFields(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expandValue(item, env)]))
}
