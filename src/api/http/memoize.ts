/** Longer keys are worked out each time: nobody should fill the memory with them. */
const longest = 1024

/** Remembers the newest `most` results of `work`; the oldest goes first. Never holds more, whatever is asked. */
export function memoize<T>(most: number, work: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>()

  return (key) => {
    if (key.length > longest) return work(key)
    const found = known.get(key)
    if (found !== undefined) return found
    const made = work(key)
    if (known.size >= most) {
      const [oldest] = known.keys()
      if (oldest !== undefined) known.delete(oldest)
    }
    known.set(key, made)
    return made
  }
}
