import { createWakeSignal } from '../../flow/wake-signal.ts'
import { verdictProblem } from '../compare-and-set.ts'
import { isNewer, StoreRefusal, StoreUnavailable } from '../store.ts'
import {
  firstVerdictPosition,
  maxVerdictsPerBatch,
  type ReadVerdict,
  type VerdictLog,
  verdictPageSize,
  type VerdictPosition,
  type VerdictTable,
} from '../verdict.ts'

type Guard = {
  /** Runs a call while the store is up. */
  readonly attempt: <T>(work: () => Promise<T>) => Promise<T>
  /** Registers a function that wakes a follower; returns how to remove it. */
  readonly onWake: (wake: () => void) => () => void
  /** Called for failures of a follower other than an outage; the next read may succeed. */
  readonly onError: (error: unknown) => void
}

/** The verdicts of a store that may be down; a text that it cannot hold never reaches it. */
export function guardedVerdicts(log: VerdictLog, { attempt, onWake, onError }: Guard): VerdictTable {
  return {
    save: async (verdicts, fence) => {
      if (verdicts.length > maxVerdictsPerBatch)
        throw new StoreRefusal(`cannot store ${verdicts.length} verdicts: a batch has at most ${maxVerdictsPerBatch}`)
      for (const verdict of verdicts) {
        const problem = verdictProblem(verdict)
        if (problem !== undefined) throw new StoreRefusal(`cannot store a verdict: ${problem}`)
      }
      const last = new Map(verdicts.map((verdict) => [verdict.target, verdict]))
      return last.size === 0 || (await attempt(() => log.save([...last.values()], fence)))
    },
    prune: (silent_ms, fence) => attempt(() => log.prune(silent_ms, fence)),
    follow: ({ signal }) =>
      followVerdicts({
        signal,
        newest: () => attempt(log.newest),
        after: (position) => attempt(() => log.after(position)),
        pollMs: log.pollMs,
        onWake,
        onError,
      }),
  }
}

/** Reads verdicts at each wake-up and at least every `pollMs`, until `signal` aborts. It waits while the store is down. */
async function* followVerdicts({
  signal,
  newest,
  after,
  pollMs,
  onWake,
  onError,
}: { readonly signal: AbortSignal } & Pick<VerdictLog, 'newest' | 'after' | 'pollMs'> &
  Pick<Guard, 'onWake' | 'onError'>): AsyncGenerator<readonly ReadVerdict[]> {
  let position: VerdictPosition = firstVerdictPosition
  let history: string | undefined
  /** Whether all verdicts up to the batch of the position have been read. */
  let isBatchRead = false
  /** Whether the caller knows that it has read everything. */
  let isToldOfEnd = false
  const wakeSignal = createWakeSignal({ signal })
  const removeWake = onWake(wakeSignal.raise)

  /** The next page; undefined where there is nothing new. */
  async function readNext(): Promise<readonly ReadVerdict[] | undefined> {
    const last = await newest()
    if (last.history !== history || isNewer(position.batch, last.batch)) {
      history = last.history
      position = firstVerdictPosition
      isBatchRead = false
      isToldOfEnd = false
    }
    if (!isBatchRead || last.batch !== position.batch) {
      const page = await after(position)
      isBatchRead = page.length < verdictPageSize
      const end = page.at(-1)
      // Nothing is left of the last batches where they were replaced or failed.
      position = end ? { batch: end.batch, target: end.target } : { batch: last.batch, target: '' }
      if (end) return page
    }
    if (isToldOfEnd) return undefined
    isToldOfEnd = true
    return []
  }

  try {
    while (!signal.aborted) {
      const page = await readNext().catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) onError(error)
        return undefined
      })
      if (page) {
        yield page
      } else {
        await wakeSignal.wait(pollMs)
        wakeSignal.take()
      }
    }
  } finally {
    removeWake()
  }
}
