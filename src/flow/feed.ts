/**
 * Tells every subscriber at once, in the order they came. A subscriber that throws is its own problem, not its
 * neighbours'. What is published while publishing waits its turn, so that all hear everything in the same order.
 */
export function createFeed<T>({ onError }: { onError: (error: unknown) => void }) {
  const subscribers = new Set<(value: T) => void>()
  const queue: T[] = []
  let publishing = false

  function publish(value: T): void {
    queue.push(value)
    if (publishing) return
    publishing = true
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) tell(next)
    publishing = false
  }

  function tell(value: T): void {
    for (const push of subscribers) {
      try {
        push(value)
      } catch (error) {
        onError(error)
      }
    }
  }

  /** Registers at once, so nothing is missed between a listing and the subscription; returns how to leave. */
  function subscribe(push: (value: T) => void): () => void {
    subscribers.add(push)
    return () => void subscribers.delete(push)
  }

  return { publish, subscribe, size: () => subscribers.size }
}
