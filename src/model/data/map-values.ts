/** The map with every value replaced by `change`; the same object where no value changes. */
export function mapValues<T>(
  map: Readonly<Record<string, T>>,
  change: (value: T, key: string) => T,
): Readonly<Record<string, T>> {
  let changed: Record<string, T> | undefined
  for (const key of Object.keys(map)) {
    const before = map[key] as T
    const value = change(before, key)
    if (value === before) continue
    changed ??= { ...map }
    changed[key] = value
  }
  return changed ?? map
}
