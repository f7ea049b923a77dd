import { isJsonObject } from '../model/data/json-object.ts'
import { unknownFieldsOf } from '../model/unknown-fields.ts'

/** What is probably wrong in an entry, although the daemon accepts it. Quotes no value, which may be a secret. */
export function entryWarnings(entry: unknown): readonly string[] {
  if (!isJsonObject(entry)) return []
  return [...unknownFieldWarnings(entry), ...commandWarnings(entry)]
}

function unknownFieldWarnings(entry: object): readonly string[] {
  return unknownFieldsOf(entry).map(
    ({ field, nearest }) =>
      `unknown field ${field} is ignored${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
  )
}

function commandWarnings({ command, args, url }: Readonly<Record<string, unknown>>): readonly string[] {
  if (typeof command !== 'string') return []
  const hasArgs = Array.isArray(args) && args.length > 0
  return [
    ...(/\S\s+\S/.test(command) && !hasArgs
      ? [
          'command holds blanks and args is empty; clients start a program of that whole name: move what follows the first blank to args',
        ]
      : []),
    ...(typeof url === 'string' ? ['url beside command is not used; remove one of them'] : []),
  ]
}
