import { setImmediate } from 'node:timers/promises'
import { forEachYielding } from '../../flow/cooperative.ts'

/** Acts on one after another, in slices; one's trouble is not its neighbours'. */
export async function forEach<T>(
  all: Iterable<T>,
  act: (one: T) => void,
  onError: (error: unknown) => void,
): Promise<void> {
  await forEachYielding(all, (one) => {
    try {
      act(one)
    } catch (error) {
      onError(error)
    }
  })
}

/**
 * Passes over all who wait for news, one at a time, each going on until nothing has happened meanwhile: so however fast
 * things change, and however many wait, a pass is all that there is to do.
 */
export function createDeliveryLoop({
  needed,
  pass,
  onError,
}: {
  /** Whether anybody waits. */
  needed: () => boolean
  pass: () => Promise<void>
  onError: (error: unknown) => void
}) {
  let passing = false
  let again = false

  function wake(): void {
    again = true
    if (passing || !needed()) return
    passing = true
    void run().catch(onError)
  }

  async function run(): Promise<void> {
    try {
      // What changes in the same turn of the loop is told together.
      await setImmediate()
      while (again) {
        again = false
        await pass()
      }
    } finally {
      passing = false
    }
  }

  return { wake, isPassing: () => passing }
}
