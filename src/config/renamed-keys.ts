import type { ConfigPath } from './schema-paths.ts'

/**
 * Renamed settings: the path as it was, the path as it is. Only the last key differs; a renamed section is a row of its own.
 *
 * The former name is read, with a warning, until the next minor version.
 */
export const renamedKeys: Readonly<Record<string, string>> = {
  'store.pool_size': 'store.max_pool_size',
  'health.agents.most': 'health.agents.max_agents',
  'health.agents.preservation': 'health.agents.self_preservation',
  'health.agents.preservation.least': 'health.agents.self_preservation.min_agents',
  'health.agents.preservation.most': 'health.agents.self_preservation.max_duration',
  'health.concurrency': 'health.max_concurrency',
  'health.per_host': 'health.max_concurrency_per_host',
  'health.suspicion': 'health.self_preservation',
  'health.suspicion.minimum': 'health.self_preservation.min_targets',
  'health.suspicion.longest': 'health.self_preservation.max_duration',
  'auth.tokens[].most_agents': 'auth.tokens[].max_agents',
  'limits.body_bytes': 'limits.max_body_bytes',
  'limits.header_bytes': 'limits.max_header_bytes',
  'limits.url_length': 'limits.max_url_length',
  'limits.parameters': 'limits.max_parameters',
  'limits.connections': 'limits.max_connections',
  'watch.buffer_bytes': 'watch.max_buffer_bytes',
  'watch.total_buffer_bytes': 'watch.max_total_buffer_bytes',
  'watch.watchers_per_address': 'watch.max_watchers_per_address',
  'watch.watchers': 'watch.max_watchers',
  'watch.watchers_per_token': 'watch.max_watchers_per_token',
  'watch.history_bytes': 'watch.max_history_bytes',
  'metrics.default': 'metrics.default_format',
}

/** For each section, as it is called now: from a former key to the current one. */
const sections = new Map<string, Map<string, string>>()
for (const [former, current] of Object.entries(renamedKeys)) {
  const section = current.slice(0, current.lastIndexOf('.'))
  const keys = sections.get(section) ?? new Map<string, string>()
  sections.set(section, keys.set(lastKeyOf(former), lastKeyOf(current)))
}
const sectionNames = [...sections.keys()]

function lastKeyOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

/** The former keys of a section, as it is called now (`auth.tokens[]`), each with the current one. */
export function formerKeysOf(section: string): readonly (readonly [former: string, current: string])[] {
  return [...(sections.get(section) ?? [])]
}

/** A former key found in a value: its path as the operator wrote it, and the path of the setting now. */
export type FormerKey = { readonly written: ConfigPath; readonly current: ConfigPath }

export type CurrentValue = {
  /** The value with current keys; a copy where it had former ones. */
  readonly value: unknown
  readonly former: readonly FormerKey[]
  /** Settings that stand under both names. The value has the current one only. */
  readonly conflicts: readonly FormerKey[]
}

/** Gives the settings in `value`, which stands at `path` of the config, their current names. */
export function toCurrentKeys(value: unknown, path: ConfigPath = []): CurrentValue {
  const former: FormerKey[] = []
  const conflicts: FormerKey[] = []

  function visit(inner: unknown, written: ConfigPath, current: ConfigPath): unknown {
    const section = patternOf(current)
    if (typeof inner !== 'object' || inner === null || !leadsToRenamed(section)) return inner
    if (Array.isArray(inner)) return inner.map((one, index) => visit(one, [...written, index], [...current, index]))
    const renamed = sections.get(section)
    const entries = Object.entries(inner).flatMap(([key, child]) => {
      const now = renamed?.get(key) ?? key
      const place = { written: [...written, key], current: [...current, now] }
      const isConflict = now !== key && Object.hasOwn(inner, now)
      if (now !== key) (isConflict ? conflicts : former).push(place)
      return isConflict ? [] : [[now, visit(child, place.written, place.current)] as const]
    })
    return Object.fromEntries(entries)
  }

  return { value: visit(value, path, path), former, conflicts }
}

function leadsToRenamed(section: string): boolean {
  if (section === '') return true
  return sectionNames.some(
    (name) => name === section || name.startsWith(`${section}.`) || name.startsWith(`${section}[`),
  )
}

/** `auth.tokens[].max_agents`: a path without the positions in lists. */
function patternOf(path: ConfigPath): string {
  return path.map((step, index) => (typeof step === 'number' ? '[]' : `${index > 0 ? '.' : ''}${step}`)).join('')
}

/** The first occurrence of each former key: one that stands in every element of a list is reported once. */
export function firstOfEach(keys: readonly FormerKey[]): FormerKey[] {
  const first = new Map<string, FormerKey>()
  for (const key of keys) {
    const pattern = patternOf(key.written)
    if (!first.has(pattern)) first.set(pattern, key)
  }
  return [...first.values()]
}

/** The path of a setting now, from a path with former keys. */
export function currentPath(written: ConfigPath): ConfigPath {
  const current: (string | number)[] = []
  for (const step of written) {
    const renamed = typeof step === 'string' ? sections.get(patternOf(current))?.get(step) : undefined
    current.push(renamed ?? step)
  }
  return current
}

/** Every path of a setting that has a former key somewhere in it. */
export function formerPaths(path: readonly string[]): readonly (readonly string[])[] {
  let spellings: (readonly string[])[] = [[]]
  for (const [index, key] of path.entries()) {
    const renamed = formerKeysOf(path.slice(0, index).join('.'))
    const names = [key, ...renamed.filter(([, current]) => current === key).map(([former]) => former)]
    spellings = spellings.flatMap((start) => names.map((name) => [...start, name]))
  }
  return spellings.slice(1)
}
