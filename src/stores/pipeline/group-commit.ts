import { type OperationOutcome, type StoreOperation, StoreUnavailable } from '../store.ts'

type Call = {
  readonly operations: readonly StoreOperation[]
  /** Characters of its definitions. */
  readonly size: number
  readonly resolve: (outcomes: readonly OperationOutcome[]) => void
  readonly reject: (error: unknown) => void
}

/** Maximum operations, and characters of definitions, of one batch. */
const maxBatch = { operations: 1000, size: 8 * 1024 * 1024 } as const
/** Maximum operations, and characters of definitions, that wait; further ones are rejected. */
const maxPending = { operations: 100_000, size: 64 * 1024 * 1024 } as const
/** Calls resolved in one turn of the event loop: halved after a turn longer than `maxTurnMs`, else raised by one. */
const resolvedPerTurn = { min: 4, max: 64, maxTurnMs: 2 } as const

/**
 * Group commit: while one batch is written, further operations gather into the next, so that writers share one fsync.
 *
 * Order is kept. Where the store is unavailable, all pending calls are rejected. Where a batch fails for another reason,
 * its calls are retried one by one, so that a bad call fails alone.
 */
export function createGroupCommit(
  write: (operations: readonly StoreOperation[]) => Promise<readonly OperationOutcome[]>,
) {
  let queue: Call[] = []
  const pending = { operations: 0, size: 0 }
  let running: Promise<void> | undefined
  let resolving = Promise.resolve()
  let perTurn = 16

  function commit(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    const size = sizeOf(operations)
    const isOverLimit =
      pending.operations + operations.length > maxPending.operations || pending.size + size > maxPending.size
    if (pending.operations > 0 && isOverLimit) {
      return Promise.reject(new StoreUnavailable(`write queue full: ${pending.operations} writes wait`))
    }
    pending.operations += operations.length
    pending.size += size
    return new Promise((resolve, reject) => {
      queue.push({ operations, size, resolve, reject })
      running ??= run()
    })
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      // Operations of the same turn of the event loop join the batch.
      await new Promise((resolve) => setImmediate(resolve))
      await writeBatch(takeBatch())
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
      if (count > 0 && (operations > maxBatch.operations || size > maxBatch.size)) break
      count += 1
    }
    const batch = queue.slice(0, count)
    queue = queue.slice(count)
    return batch
  }

  async function writeBatch(batch: readonly Call[]): Promise<void> {
    try {
      const outcomes = await write(batch.length === 1 ? batch[0]!.operations : batch.flatMap((call) => call.operations))
      resolving = resolving.then(() => resolveCalls(batch, outcomes))
    } catch (error) {
      await failBatch(batch, error)
      return
    }
    removePending(batch)
  }

  /** Resolves a few calls in each turn of the event loop: the work that follows them must not block other requests. */
  async function resolveCalls(batch: readonly Call[], outcomes: readonly OperationOutcome[]): Promise<void> {
    let next = 0
    for (let from = 0; from < batch.length;) {
      const turnStart = performance.now()
      const calls = batch.slice(from, (from += perTurn))
      for (const { operations, resolve } of calls) resolve(outcomes.slice(next, (next += operations.length)))
      await new Promise((go) => setImmediate(go))
      if (performance.now() - turnStart > resolvedPerTurn.maxTurnMs)
        perTurn = Math.max(resolvedPerTurn.min, perTurn >> 1)
      else if (calls.length === perTurn) perTurn = Math.min(resolvedPerTurn.max, perTurn + 1)
    }
  }

  async function failBatch(batch: readonly Call[], error: unknown): Promise<void> {
    if (!(error instanceof StoreUnavailable) && batch.length > 1) {
      for (const call of batch) await writeBatch([call])
      return
    }
    const failed = error instanceof StoreUnavailable ? [...batch, ...queue.splice(0)] : batch
    removePending(failed)
    for (const { reject } of failed) reject(error)
  }

  function removePending(calls: readonly Call[]): void {
    for (const { operations, size } of calls) {
      pending.operations -= operations.length
      pending.size -= size
    }
  }

  /** Resolves once every call is resolved. */
  async function idle(): Promise<void> {
    await running
    await resolving
  }

  return { commit, pending: () => pending.operations, idle }
}

function sizeOf(operations: readonly StoreOperation[]): number {
  let size = 0
  for (const operation of operations) size += operation.type === 'put' ? operation.definition.length : 0
  return size
}
