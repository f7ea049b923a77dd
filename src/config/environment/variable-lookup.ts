import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

export type VariableValue = { readonly name: string; readonly text: string }

/** Reads the first of `names` that is set, and returns it with that name. */
export type VariableLookup = (...names: readonly string[]) => VariableValue | undefined

/**
 * Looks up variables, either the value itself or the content of the file that `NAME_FILE` names.
 *
 * An empty value counts as unset, and so does `tcp://…`, which Kubernetes sets for a Service of that name.
 */
export function createVariableLookup(
  env: Environment,
  {
    onUnreadable,
    onIgnoredFile,
  }: {
    readonly onUnreadable: (name: string, reason: string) => void
    /** Both `name` and `NAME_FILE` are set; the file is not read. */
    readonly onIgnoredFile: (name: string) => void
  },
): VariableLookup {
  function valueOf(name: string): VariableValue | undefined {
    const text = env[name]
    const file = env[`${name}_FILE`]
    if (text && !/^(tcp|udp|sctp):\/\//.test(text)) {
      if (file) onIgnoredFile(name)
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
      const value = valueOf(name)
      if (value) return value
    }
    return undefined
  }
}
