/** Tells every subscriber at once, in the order they came. A subscriber that throws is its own problem, not its neighbours'. */
export function createFeed<T>({ onError }: { onError: (error: unknown) => void }) {
  const subscribers = new Set<(value: T) => void>()

  function publish(value: T): void {
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
export type Feed<T> = ReturnType<typeof createFeed<T>>
