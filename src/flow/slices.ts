import { setImmediate } from 'node:timers/promises'

/** Goes through `items`, giving the event loop a turn whenever `budgetMs` of work are done. */
export async function inSlices<T>(items: Iterable<T>, work: (item: T) => void, budgetMs = 5): Promise<void> {
  let start = performance.now()
  for (const item of items) {
    work(item)
    if (performance.now() - start < budgetMs) continue
    await setImmediate()
    start = performance.now()
  }
}
