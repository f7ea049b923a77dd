/** Work that yields wherever it may be interrupted, and returns what it made. */
export type Work<T> = Iterator<unknown, T>

/** Who waits for a turn of the event loop; `taken` for as long as the present one has been given to somebody. */
const waiting: (() => void)[] = []
let taken: NodeJS.Immediate | undefined

/**
 * Does work in slices of `budgetMs`, each in a turn of the event loop of its own: however much of such work there is, whoever's,
 * nothing else waits for more than one slice.
 */
export async function sliced<T>(work: Work<T>, budgetMs = 5): Promise<T> {
  for (;;) {
    await turn()
    const until = performance.now() + budgetMs
    do {
      const step = work.next()
      if (step.done) return step.value
    } while (performance.now() < until)
  }
}

/** Does work that may be interrupted without interrupting it. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}

/** Goes through `items` in slices. */
export async function inSlices<T>(items: Iterable<T>, act: (item: T) => void, budgetMs?: number): Promise<void> {
  await sliced(each(items, act), budgetMs)
}

function* each<T>(items: Iterable<T>, act: (item: T) => void): Generator<void, void> {
  for (const item of items) {
    act(item)
    yield
  }
}

/** Resolves at once where nobody has this turn of the event loop, else when it is ours. */
async function turn(): Promise<void> {
  if (taken) return new Promise((resolve) => void waiting.push(resolve))
  taken = setImmediate(next)
}

function next(): void {
  const first = waiting.shift()
  taken = first && setImmediate(next)
  first?.()
}
