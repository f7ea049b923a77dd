import type { Entry } from '../../model/source.ts'
import { isFields } from './entry.ts'

type Environment = Readonly<Record<string, string | undefined>>

const placeholder = /\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

/** Puts values in for `${VAR}`, `${VAR:-default}` and `${env:VAR}`; one that is unset and has no default stays as it is. */
function expandText(text: string, env: Environment): string {
  return text.replaceAll(placeholder, (whole, name: string, fallback: string | undefined) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    // As in a shell, `:-` also stands in for what is set but empty.
    if (value !== undefined && (value !== '' || fallback === undefined)) return value
    return fallback ?? whole
  })
}

/** Expands every text in the values of entries, keys left alone. */
export function expandEntries(entries: readonly Entry[], env: Environment): Entry[] {
  return entries.map((entry) => ('value' in entry ? { ...entry, value: expandAll(entry.value, env) } : entry))
}

function expandAll(value: unknown, env: Environment): unknown {
  if (typeof value === 'string') return value.includes('${') ? expandText(value, env) : value
  if (Array.isArray(value)) return value.map((one) => expandAll(one, env))
  if (!isFields(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, expandAll(one, env)]))
}
