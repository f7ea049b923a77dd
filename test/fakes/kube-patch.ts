type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Keys by which a strategic merge joins lists. */
const mergeKeys: Record<string, string> = { ports: 'port' }

function mergeList(before: unknown, patch: readonly unknown[], key: string): unknown[] {
  const merged = Array.isArray(before) ? [...before] : []
  for (const item of patch.filter(isObject)) {
    const at = merged.findIndex((one) => isObject(one) && one[key] === item[key])
    if (item['$patch'] === 'delete') merged.splice(at, at < 0 ? 0 : 1)
    else if (at < 0) merged.push(item)
    else merged[at] = applyPatch(merged[at], item, true)
  }
  return merged
}

/** Applies a merge patch (RFC 7386), or the part of the strategic merge patch that `kubectl` uses for these kinds. */
export function applyPatch(before: unknown, patch: unknown, strategic: boolean): unknown {
  if (!isObject(patch)) return patch
  const result: Json = isObject(before) ? { ...before } : {}
  for (const [key, value] of Object.entries(patch)) {
    const mergeKey = mergeKeys[key]
    if (strategic && key.startsWith('$')) continue
    if (value === null) delete result[key]
    else if (strategic && mergeKey && Array.isArray(value)) result[key] = mergeList(result[key], value, mergeKey)
    else result[key] = applyPatch(result[key], value, strategic)
  }
  return result
}
