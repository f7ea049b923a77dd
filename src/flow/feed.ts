/**
 * Delivers each value synchronously to every subscriber, in order of subscription.
 *
 * An exception of one subscriber does not affect the others. A value published during a delivery is queued, so that all
 * subscribers receive all values in the same order.
 */
export function createFeed<T>({ onError }: { onError: (error: unknown) => void }) {
  const subscribers = new Set<(value: T) => void>()
  const queue: T[] = []
  let publishing = false

  function publish(value: T): void {
    queue.push(value)
    if (publishing) return
    publishing = true
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) deliver(next)
    publishing = false
  }

  function deliver(value: T): void {
    for (const push of subscribers) {
      try {
        push(value)
      } catch (error) {
        onError(error)
      }
    }
  }

  /** Subscribes synchronously, so that no value is missed between a listing and the subscription. Returns the unsubscribe function. */
  function subscribe(push: (value: T) => void): () => void {
    subscribers.add(push)
    return () => void subscribers.delete(push)
  }

  return { publish, subscribe, size: () => subscribers.size }
}
