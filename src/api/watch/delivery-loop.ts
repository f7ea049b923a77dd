import { setImmediate } from 'node:timers/promises'
import { forEachYielding } from '../../flow/cooperative.ts'

/** Acts on each item and yields to the event loop between them. An error goes to `onError`; the others still follow. */
export async function forEachCatching<T>(
  items: Iterable<T>,
  act: (item: T) => void,
  onError: (error: unknown) => void,
): Promise<void> {
  await forEachYielding(items, (item) => {
    try {
      act(item)
    } catch (error) {
      onError(error)
    }
  })
}

/**
 * Runs one delivery to all watchers at a time, and repeats it while changes arrive. However fast changes come, at most one
 * delivery is under way and one is due.
 */
export function createDeliveryLoop({
  isNeeded,
  deliverAll,
  onError,
}: {
  /** Whether any watcher exists. */
  isNeeded: () => boolean
  deliverAll: () => Promise<void>
  onError: (error: unknown) => void
}) {
  let isRunning = false
  let isDue = false

  function wake(): void {
    isDue = true
    if (isRunning || !isNeeded()) return
    isRunning = true
    void run().catch(onError)
  }

  async function run(): Promise<void> {
    try {
      // Changes of the same turn of the event loop are delivered together.
      await setImmediate()
      while (isDue) {
        isDue = false
        await deliverAll()
      }
    } finally {
      isRunning = false
    }
  }

  return { wake, isRunning: () => isRunning }
}
