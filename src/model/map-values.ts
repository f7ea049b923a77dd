/** A map with each value as `change` makes it; the very same map where that changes none. */
export function mapValues(
  map: Readonly<Record<string, unknown>>,
  change: (value: unknown, key: string) => unknown,
): Readonly<Record<string, unknown>> {
  let made: Record<string, unknown> | undefined
  for (const key of Object.keys(map)) {
    const value = change(map[key], key)
    if (value === map[key]) continue
    made ??= { ...map }
    made[key] = value
  }
  return made ?? map
}
