/** Work that yields wherever it may be interrupted, and returns what it made. */
export type Work<T> = Iterator<unknown, T>

/** So much of such work is done in one turn of the event loop. */
const budgetMs = 5

/** So many texts are sorted in one go. */
const fewSorted = 256

/** Who waits for a turn of the event loop; `next` gives it, for as long as somebody has had one lately. */
const waiting: (() => void)[] = []
let coming: NodeJS.Immediate | undefined
/** When the budget of the present turn is used up. */
let until = 0

/**
 * Does work in slices: however much of such work there is, whoever's, nothing else waits for more than one slice of it all.
 */
export async function runCooperatively<T>(work: Work<T>): Promise<T> {
  for (;;) {
    await turn()
    while (performance.now() < until) {
      const step = work.next()
      if (!step.done) continue
      if (performance.now() < until) waiting.shift()?.()
      return step.value
    }
  }
}

/** Does work that may be interrupted without interrupting it. */
export function runToCompletion<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}

/** Sorts texts as `<` does, and yields so often that a long list may be sorted in slices. */
export function* sorting(texts: readonly string[]): Generator<void, readonly string[]> {
  yield
  if (texts.length <= fewSorted) return texts.toSorted()
  const middle = texts.length >>> 1
  const one = yield* sorting(texts.slice(0, middle))
  const other = yield* sorting(texts.slice(middle))
  return yield* merging(one, other)
}

function* merging(one: readonly string[], other: readonly string[]): Generator<void, readonly string[]> {
  const all: string[] = []
  let next = 0
  for (const text of other) {
    for (let before = one[next]; before !== undefined && before <= text; before = one[next]) {
      all.push(before)
      next += 1
    }
    all.push(text)
    if (all.length % fewSorted === 0) yield
  }
  return all.concat(one.slice(next))
}

/** Goes through `items` in slices. */
export async function forEachYielding<T>(items: Iterable<T>, act: (item: T) => void): Promise<void> {
  await runCooperatively(each(items, act))
}

function* each<T>(items: Iterable<T>, act: (item: T) => void): Generator<void, void> {
  for (const item of items) {
    act(item)
    yield
  }
}

/** Resolves at once while this turn of the event loop has something left, else in the first one that has. */
async function turn(): Promise<void> {
  if (coming && (waiting.length > 0 || performance.now() >= until))
    return new Promise((resolve) => void waiting.push(resolve))
  if (!coming) begin()
}

function begin(): void {
  until = performance.now() + budgetMs
  coming = setImmediate(next)
}

function next(): void {
  coming = undefined
  const first = waiting.shift()
  if (!first) return
  begin()
  first()
}
