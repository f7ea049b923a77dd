import type { JsonObject } from './json-object.ts'

/** Whether two JSON values are equal; the order of keys does not matter. */
export function jsonEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) || Array.isArray(other))
    return Array.isArray(one) && Array.isArray(other) && equalLists(one, other)
  let surplus = 0
  for (const key in one) {
    if (!Object.hasOwn(other, key) || !jsonEqual((one as JsonObject)[key], (other as JsonObject)[key])) return false
    surplus += 1
  }
  for (const _ in other) surplus -= 1
  return surplus === 0
}

function equalLists(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((part, at) => jsonEqual(part, other[at]))
}

/**
 * A copy of `now` that reuses every field of `before` with an equal value; `before` itself where all are equal. Later
 * comparisons of fields are then by identity.
 */
export function reuseEqualParts<T extends object>(before: T, now: T): T {
  const result = { ...now }
  let surplus = 0
  let isSame = true
  for (const key in now) {
    surplus += 1
    if (Object.hasOwn(before, key) && jsonEqual(before[key], now[key])) result[key] = before[key]
    else isSame = false
  }
  for (const _ in before) surplus -= 1
  return isSame && surplus === 0 ? before : result
}
