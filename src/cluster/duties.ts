import type { Log } from '../log.ts'
import type { Duty } from '../stores/member.ts'
import { type Store, StoreUnavailable } from '../stores/store.ts'

/** Interval at which stored deletions that no follower needs are forgotten, in ms. */
const pruneEveryMs = 300_000

/** Does by the clock what one of the members must do and no other part of the daemon does. */
export function startDuties({
  opening,
  duty,
  log,
  everyMs = pruneEveryMs,
}: {
  opening: Promise<Pick<Store, 'pruneDeletions'>>
  duty: Duty
  log: Pick<Log, 'warn'>
  everyMs?: number
}) {
  async function prune(): Promise<void> {
    const fence = duty()
    if (!fence) return
    try {
      await (await opening).pruneDeletions(fence)
    } catch (error) {
      // The store reports an outage itself.
      if (!(error instanceof StoreUnavailable)) log.warn({ err: error }, 'stored deletions not removed')
    }
  }

  const pruning = setInterval(() => void prune(), everyMs).unref()
  return { [Symbol.dispose]: () => clearInterval(pruning) }
}
