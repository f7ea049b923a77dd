/** An object of JSON or YAML with unchecked values. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a value is an object as JSON and YAML have them, so neither a list nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Maximum nesting of an agent's registration or heartbeat, in levels. */
export const maxNestingLevels = 32

/** Whether objects and lists are nested beyond `maxLevels`. It descends no deeper than that itself. */
export function isDeeperThan(value: unknown, maxLevels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (maxLevels < 0) return true
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, maxLevels - 1))
  for (const key in value) if (isDeeperThan((value as JsonObject)[key], maxLevels - 1)) return true
  return false
}
