type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Lists that a strategic merge joins by a key. */
const mergeKeys: Record<string, string> = { ports: 'port' }

function mergeList(before: unknown, patch: readonly unknown[], key: string): unknown[] {
  const kept = Array.isArray(before) ? [...before] : []
  for (const item of patch.filter(isObject)) {
    const at = kept.findIndex((one) => isObject(one) && one[key] === item[key])
    if (item['$patch'] === 'delete') kept.splice(at, at < 0 ? 0 : 1)
    else if (at < 0) kept.push(item)
    else kept[at] = applyPatch(kept[at], item, true)
  }
  return kept
}

/** A merge patch (RFC 7386), or as much of Kubernetes' strategic one as `kubectl` sends for these kinds. */
export function applyPatch(before: unknown, patch: unknown, strategic: boolean): unknown {
  if (!isObject(patch)) return patch
  const now: Json = isObject(before) ? { ...before } : {}
  for (const [key, value] of Object.entries(patch)) {
    const mergeKey = mergeKeys[key]
    if (strategic && key.startsWith('$')) continue
    if (value === null) delete now[key]
    else if (strategic && mergeKey && Array.isArray(value)) now[key] = mergeList(now[key], value, mergeKey)
    else now[key] = applyPatch(now[key], value, strategic)
  }
  return now
}
