import { type StoreOperation, type OperationOutcome, StoreUnavailable } from '../store.ts'

type Call = {
  readonly operations: readonly StoreOperation[]
  /** Characters of its definitions. */
  readonly size: number
  readonly resolve: (outcomes: readonly OperationOutcome[]) => void
  readonly reject: (error: unknown) => void
}

const perBatch = { operations: 1000, size: 8 * 1024 * 1024 } as const
/** So many are told in one turn of the event loop, by how long that makes the turn. */
const perTurn = { least: 4, most: 64, longMs: 2 } as const
const mostWaiting = { operations: 100_000, size: 64 * 1024 * 1024 } as const

/**
 * Group commit: one batch is on its way, all that arrives meanwhile is the next one, so many writers share one fsync.
 *
 * Order is kept. When the store is unavailable everybody who waits hears it; when a batch fails for another reason its
 * calls are tried one by one, so that one bad call does not hurt its neighbours.
 */
export function createGroupCommit(
  write: (operations: readonly StoreOperation[]) => Promise<readonly OperationOutcome[]>,
) {
  let queue: Call[] = []
  const waiting = { operations: 0, size: 0 }
  let running: Promise<void> | undefined
  let telling = Promise.resolve()
  let atOnce = 16

  function commit(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    const size = sizeOf(operations)
    const isBehind =
      waiting.operations + operations.length > mostWaiting.operations || waiting.size + size > mostWaiting.size
    if (waiting.operations > 0 && isBehind) {
      return Promise.reject(new StoreUnavailable(`the store is behind by ${waiting.operations} writes`))
    }
    waiting.operations += operations.length
    waiting.size += size
    return new Promise((resolve, reject) => {
      queue.push({ operations, size, resolve, reject })
      running ??= run()
    })
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      // Whatever comes with the same turn of the event loop goes along.
      await new Promise((resolve) => setImmediate(resolve))
      await carryOut(takeBatch())
    }
    running = undefined
  }

  function takeBatch(): Call[] {
    let operations = 0
    let size = 0
    let count = 0
    for (const call of queue) {
      operations += call.operations.length
      size += call.size
      if (count > 0 && (operations > perBatch.operations || size > perBatch.size)) break
      count += 1
    }
    const batch = queue.slice(0, count)
    queue = queue.slice(count)
    return batch
  }

  async function carryOut(batch: readonly Call[]): Promise<void> {
    try {
      const outcomes = await write(batch.length === 1 ? batch[0]!.operations : batch.flatMap((call) => call.operations))
      telling = telling.then(() => tell(batch, outcomes))
    } catch (error) {
      await breakOff(batch, error)
      return
    }
    settle(batch)
  }

  /** A few in each turn of the event loop: what each of them goes on to do must not hold up everybody else. */
  async function tell(batch: readonly Call[], outcomes: readonly OperationOutcome[]): Promise<void> {
    let next = 0
    for (let from = 0; from < batch.length;) {
      const began = performance.now()
      const some = batch.slice(from, (from += atOnce))
      for (const { operations, resolve } of some) resolve(outcomes.slice(next, (next += operations.length)))
      await new Promise((go) => setImmediate(go))
      if (performance.now() - began > perTurn.longMs) atOnce = Math.max(perTurn.least, atOnce >> 1)
      else if (some.length === atOnce) atOnce = Math.min(perTurn.most, atOnce + 1)
    }
  }

  async function breakOff(batch: readonly Call[], error: unknown): Promise<void> {
    if (!(error instanceof StoreUnavailable) && batch.length > 1) {
      for (const call of batch) await carryOut([call])
      return
    }
    const failed = error instanceof StoreUnavailable ? [...batch, ...queue.splice(0)] : batch
    settle(failed)
    for (const { reject } of failed) reject(error)
  }

  function settle(calls: readonly Call[]): void {
    for (const { operations, size } of calls) {
      waiting.operations -= operations.length
      waiting.size -= size
    }
  }

  /** Resolves once everybody has been told. */
  async function idle(): Promise<void> {
    await running
    await telling
  }

  return { commit, waiting: () => waiting.operations, idle }
}

function sizeOf(operations: readonly StoreOperation[]): number {
  let size = 0
  for (const operation of operations) size += operation.type === 'put' ? operation.definition.length : 0
  return size
}
