import type { Log } from '../log.ts'
import type { Duty, Fence } from '../stores/member.ts'
import { type Store, StoreUnavailable } from '../stores/store.ts'

/** Interval at which what no follower needs is forgotten, in ms. */
const pruneEveryMs = 300_000

/** How long a verdict stays stored that no daemon has written again, in ms: its target is gone. */
const silentVerdictMs = 86_400_000

/** Does by the clock what one of the members must do and no other part of the daemon does. */
export function startDuties({
  opening,
  duty,
  log,
  everyMs = pruneEveryMs,
}: {
  opening: Promise<Pick<Store, 'pruneDeletions' | 'verdicts'>>
  duty: Duty
  log: Pick<Log, 'warn'>
  everyMs?: number
}) {
  async function prune(): Promise<void> {
    const fence = duty()
    if (!fence) return
    await attempt((store) => store.pruneDeletions(fence), 'stored deletions not removed')
    await attempt((store) => pruneVerdicts(store, fence), 'verdicts of former targets not removed')
  }

  /** A failure of one does not keep the other from being done. */
  async function attempt(work: (store: Awaited<typeof opening>) => Promise<void>, failure: string): Promise<void> {
    try {
      await work(await opening)
    } catch (error) {
      // The store reports an outage itself.
      if (!(error instanceof StoreUnavailable)) log.warn({ err: error }, failure)
    }
  }

  const pruning = setInterval(() => void prune(), everyMs).unref()
  return { [Symbol.dispose]: () => clearInterval(pruning) }
}

async function pruneVerdicts({ verdicts }: Pick<Store, 'verdicts'>, fence: Fence): Promise<void> {
  await verdicts?.prune(silentVerdictMs, fence)
}
