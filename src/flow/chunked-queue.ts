import { runToCompletion, runCooperatively } from './cooperative.ts'

/** Batches up to this size, in items, are applied synchronously; larger ones in slices. */
const maxSyncItems = 100

/**
 * Applies items in order: small batches at once, large ones in slices of the event loop.
 *
 * A reader calls `drain` first, so that it sees the effect of everything added so far.
 */
export function createChunkedQueue<T>(apply: (item: T) => void) {
  const batches: (readonly T[])[] = []
  /** Items of the first batch that are already applied. */
  let applied = 0
  let running = false

  function add(items: readonly T[]): void {
    if (batches.length === 0 && items.length <= maxSyncItems) for (const item of items) apply(item)
    else batches.push(items)
    if (batches.length > 0 && !running) void catchUp()
  }

  async function catchUp(): Promise<void> {
    running = true
    await runCooperatively(remaining())
    running = false
  }

  function* remaining(): Generator<void, void> {
    for (let batch = batches[0]; batch; batch = batches[0]) {
      if (applied < batch.length) apply(batch[applied++] as T)
      else {
        batches.shift()
        applied = 0
      }
      yield
    }
  }

  return {
    add,
    hasPending: () => batches.length > 0,
    /** Applies all pending items now. */
    drain: () => {
      if (batches.length > 0) runToCompletion(remaining())
    },
  }
}
