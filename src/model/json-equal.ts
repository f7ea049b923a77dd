type Fields = Readonly<Record<string, unknown>>

/** Whether two pieces of JSON data say the same, in whatever order their keys stand. */
export function jsonEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) || Array.isArray(other))
    return Array.isArray(one) && Array.isArray(other) && alikeLists(one, other)
  let more = 0
  for (const key in one) {
    if (!Object.hasOwn(other, key) || !jsonEqual((one as Fields)[key], (other as Fields)[key])) return false
    more += 1
  }
  for (const _ in other) more -= 1
  return more === 0
}

function alikeLists(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((part, at) => jsonEqual(part, other[at]))
}

/**
 * What `now` says, made of the very parts of `before` wherever these say the same; `before` itself where all do. Whoever
 * has looked into a part then knows it again.
 */
export function reuseEqualParts<T extends object>(before: T, now: T): T {
  const made = { ...now }
  let more = 0
  let same = true
  for (const key in now) {
    more += 1
    if (Object.hasOwn(before, key) && jsonEqual(before[key], now[key])) made[key] = before[key]
    else same = false
  }
  for (const _ in before) more -= 1
  return same && more === 0 ? before : made
}
