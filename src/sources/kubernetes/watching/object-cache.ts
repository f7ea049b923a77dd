import type { ObjectReader } from '../resources/objects.ts'

/** The objects of one resource scope, by `namespace/name`, with only the fields that the source uses. */
export function createObjectCache<T>(read: ObjectReader<T>) {
  const objects = new Map<string, T>()
  let unreadable = 0

  /** An object of unexpected shape must not end the watch. */
  function readSafely(object: unknown): ReturnType<ObjectReader<T>> {
    try {
      return read(object)
    } catch {
      return undefined
    }
  }

  function putInto(target: Map<string, T>, object: unknown): string | undefined {
    const entry = readSafely(object)
    if (!entry) unreadable++
    else if (entry.value === undefined) target.delete(entry.key)
    else target.set(entry.key, entry.value)
    return entry?.key
  }

  /** Removes an object; its key, or undefined if it was not cached. */
  function remove(object: unknown): string | undefined {
    const key = readSafely(object)?.key
    if (key === undefined) unreadable++
    return key !== undefined && objects.delete(key) ? key : undefined
  }

  /** Collects a complete list, which replaces all objects when committed. */
  function beginReplacement() {
    const replacement = new Map<string, T>()
    return {
      add: (object: unknown) => void putInto(replacement, object),
      commit() {
        objects.clear()
        for (const [key, value] of replacement) objects.set(key, value)
      },
    }
  }

  return {
    objects: objects as ReadonlyMap<string, T>,
    /** Stores an object; its key, or undefined if it is unreadable. */
    put: (object: unknown) => putInto(objects, object),
    remove,
    beginReplacement,
    /** Number of objects, ever, whose shape was unexpected. */
    unreadable: () => unreadable,
  }
}
