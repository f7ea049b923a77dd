let last = 0
let text = new Date(last).toISOString()

/** The present time as RFC 3339. What is said of the same millisecond is made once. */
export function cachedTimestamp(): string {
  const now = Date.now()
  if (now !== last) {
    last = now
    text = new Date(now).toISOString()
  }
  return text
}
