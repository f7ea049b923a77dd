import type * as z from 'zod'
import { nearestTo } from '../../model/query/fuzzy.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import { schemaAt, schemaFields, valueAt } from '../schema-paths.ts'
import type { Config } from '../schema.ts'
import type { ConfigProblem } from '../setting-origin.ts'

type Problem = Pick<ConfigProblem, 'path' | 'message'>

/** Translates one issue of zod into messages for operators. The path of an unknown key ends with that key. */
export function explainIssue(schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue): readonly Problem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  if (issue.code === 'unrecognized_keys') {
    const section = schemaAt(schema, path, value)
    const keys = Object.keys(section ? schemaFields(section, valueAt(value, path)) : {})
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownSetting(key, keys) }))
  }
  return [{ path, message: redactText(issue.message) }]
}

function unknownSetting(key: string, keys: readonly string[]): string {
  const nearest = nearestTo(key, keys)
  if (nearest !== undefined) return `unknown setting; did you mean "${nearest}"?`
  return keys.length > 0 ? `unknown setting; valid here are ${keys.join(', ')}` : 'unknown setting'
}

/** What the schema cannot check: names of sources that are used twice or do not exist. */
export function sourceProblems(config: Config): Problem[] {
  return [...duplicateNames(config.sources), ...unknownRequired(config), ...commandSourceProblems(config)]
}

/** Names identify sources in the API and in the log, so they are unique. */
function duplicateNames(sources: Config['sources']): Problem[] {
  const first = new Map<string, number>()
  return sources.flatMap(({ name }, index) => {
    const other = first.get(name)
    if (other === undefined) {
      first.set(name, index)
      return []
    }
    const message = `duplicate name "${name}", used by sources[${other}] too; rename one of them`
    return [{ path: ['sources', index, 'name'], message }]
  })
}

/** Sources that `ready.require` names and that do not exist. `manual` exists where it is not listed too. */
function unknownRequired({ ready, sources }: Config): Problem[] {
  const names = [...new Set([...sources.map(({ name }) => name), 'manual'])]
  return ready.require.flatMap((name, index) =>
    names.includes(name) ? [] : [{ path: ['ready', 'require', index], message: unknownSource(name, names) }],
  )
}

/** Types of sources whose commands may be run: what they list is the operator's own. */
const operatedTypes: readonly string[] = ['file', 'env', 'kubernetes']

/** Sources that `health.stdio` names and that do not exist, or whose commands are never run. */
function commandSourceProblems({ health, sources }: Config): Problem[] {
  const operated = sources.filter(({ type }) => operatedTypes.includes(type)).map(({ name }) => name)
  return health.stdio.flatMap((name, index) => {
    const source = sources.find((one) => one.name === name)
    if (source && operatedTypes.includes(source.type)) return []
    const message = source
      ? `commands of sources of the type ${source.type} are never run; only those of ${operatedTypes.join(', ')} can be`
      : unknownSource(name, operated)
    return [{ path: ['health', 'stdio', index], message }]
  })
}

function unknownSource(name: string, names: readonly string[]): string {
  const nearest = nearestTo(name, names)
  const remedy = nearest === undefined ? `the sources are ${names.join(', ')}` : `did you mean "${nearest}"?`
  return `no source "${name}"; ${remedy}`
}
