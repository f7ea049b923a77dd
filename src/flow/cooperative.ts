/** Work as an iterator: it yields wherever it may be interrupted, and returns its result. */
export type Work<T> = Iterator<unknown, T>

/** Time that all cooperative work together may take of one turn of the event loop. */
const budgetMs = 5

/** Lists up to this length, in texts, are sorted without interruption. */
const maxSyncTexts = 256

/** Work waiting for a turn; `startTurn` resumes the first. */
const waiting: (() => void)[] = []
let nextTurn: ReturnType<typeof setImmediate> | undefined
/** When the budget of the current turn is used up. */
let budgetEnd = 0

/** Runs work in slices: all cooperative work of the process together blocks the event loop for one budget at a time. */
export async function runCooperatively<T>(work: Work<T>): Promise<T> {
  for (;;) {
    await turn()
    while (performance.now() < budgetEnd) {
      const step = work.next()
      if (!step.done) continue
      if (performance.now() < budgetEnd) waiting.shift()?.()
      return step.value
    }
  }
}

/** Runs work without interruption. */
export function runToCompletion<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}

/** Sorts texts by `<`, as interruptible work. */
export function* sortYielding(texts: readonly string[]): Generator<void, readonly string[]> {
  yield
  if (texts.length <= maxSyncTexts) return texts.toSorted()
  const middle = texts.length >>> 1
  const left = yield* sortYielding(texts.slice(0, middle))
  const right = yield* sortYielding(texts.slice(middle))
  return yield* mergeYielding(left, right)
}

function* mergeYielding(left: readonly string[], right: readonly string[]): Generator<void, readonly string[]> {
  const merged: string[] = []
  let next = 0
  for (const text of right) {
    for (let before = left[next]; before !== undefined && before <= text; before = left[next]) {
      merged.push(before)
      next += 1
    }
    merged.push(text)
    if (merged.length % maxSyncTexts === 0) yield
  }
  return merged.concat(left.slice(next))
}

/** Calls `act` for every item, cooperatively. */
export async function forEachYielding<T>(items: Iterable<T>, act: (item: T) => void): Promise<void> {
  await runCooperatively(each(items, act))
}

function* each<T>(items: Iterable<T>, act: (item: T) => void): Generator<void, void> {
  for (const item of items) {
    act(item)
    yield
  }
}

/** Resolves at once while the current turn has budget left, else in the next turn that has. */
async function turn(): Promise<void> {
  if (nextTurn && (waiting.length > 0 || performance.now() >= budgetEnd))
    return new Promise((resolve) => void waiting.push(resolve))
  if (!nextTurn) openTurn()
}

function openTurn(): void {
  budgetEnd = performance.now() + budgetMs
  nextTurn = setImmediate(startTurn)
}

function startTurn(): void {
  nextTurn = undefined
  const first = waiting.shift()
  if (!first) return
  openTurn()
  first()
}
