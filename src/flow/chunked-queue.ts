import { runToCompletion, runCooperatively } from './cooperative.ts'

/** A crowd of more is taken in slices. */
const few = 100

/**
 * Takes in what is told, in order: a few items at once, a crowd in slices, and all that is left when `settle` is called,
 * before anybody looks at what became of them.
 */
export function createChunkedQueue<T>(take: (item: T) => void) {
  const crowds: (readonly T[])[] = []
  /** So many of the first crowd are taken already. */
  let taken = 0
  let isCatchingUp = false

  function add(items: readonly T[]): void {
    if (crowds.length === 0 && items.length <= few) for (const item of items) take(item)
    else crowds.push(items)
    if (crowds.length > 0 && !isCatchingUp) void catchUp()
  }

  async function catchUp(): Promise<void> {
    isCatchingUp = true
    await runCooperatively(rest())
    isCatchingUp = false
  }

  function* rest(): Generator<void, void> {
    for (let crowd = crowds[0]; crowd; crowd = crowds[0]) {
      if (taken < crowd.length) take(crowd[taken++] as T)
      else {
        crowds.shift()
        taken = 0
      }
      yield
    }
  }

  return {
    add,
    /** Whether something is not taken yet. */
    waits: () => crowds.length > 0,
    settle: () => {
      if (crowds.length > 0) runToCompletion(rest())
    },
  }
}
