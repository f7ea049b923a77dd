import { readFileSync } from 'node:fs'
import type { Environment } from '../loading/document.ts'

export type VariableValue = { readonly name: string; readonly text: string }

/** Reads variables: the first of `names` that is set, and the name it was found under. */
export type VariableLookup = (...names: readonly string[]) => VariableValue | undefined

/**
 * Looks variables up, themselves or in the file that `NAME_FILE` points to.
 *
 * An empty value is no value, and `tcp://…` is Kubernetes talking about a Service of that name.
 */
export function createVariableLookup(
  env: Environment,
  {
    onUnreadable,
    onTwice,
  }: {
    readonly onUnreadable: (name: string, why: string) => void
    /** A value is there, and a file that is not read. */
    readonly onTwice: (name: string) => void
  },
): VariableLookup {
  function valueOf(name: string): VariableValue | undefined {
    const text = env[name]
    const file = env[`${name}_FILE`]
    if (text && !/^(tcp|udp|sctp):\/\//.test(text)) {
      if (file) onTwice(name)
      return { name, text }
    }
    if (!file) return undefined
    try {
      return { name: `${name}_FILE`, text: readFileSync(file, 'utf8').trim() }
    } catch (error) {
      onUnreadable(`${name}_FILE`, error instanceof Error && 'code' in error ? String(error.code) : 'unreadable')
      return undefined
    }
  }

  return (...names) => {
    for (const name of names) {
      const found = valueOf(name)
      if (found) return found
    }
    return undefined
  }
}
