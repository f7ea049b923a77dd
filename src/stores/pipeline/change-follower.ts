import { createWakeSignal } from '../../flow/wake-signal.ts'
import type { ChangeCursor, StoreDriver } from '../driver.ts'
import { type Rewound, type StoreChange, type StoreSnapshot, StoreUnavailable } from '../store.ts'

/**
 * Reads the changes of other writers at each wake-up and at least every `periodMs`, until `signal` aborts.
 *
 * It waits while the store is down, and then yields all that is stored.
 */
export async function* followChanges({
  since,
  signal,
  readChanges,
  load,
  outages,
  periodMs,
  onWake,
  onError,
}: {
  since: string
  signal: AbortSignal
  readChanges: StoreDriver['changesSince']
  load: () => Promise<StoreSnapshot>
  /** How often the store has returned from an outage. */
  outages: () => number
  periodMs: () => number | undefined
  /** Registers a function that wakes the follower; returns how to remove it. */
  onWake: (wake: () => void) => () => void
  /** Called for failures other than an outage; the next read may succeed. */
  onError: (error: unknown) => void
}): AsyncGenerator<readonly StoreChange[]> {
  let cursor: ChangeCursor = { version: since }
  let outagesSeen = outages()
  /** Kept until a snapshot is read, since the store may go down in between. */
  let rewound: Rewound | undefined
  const wakeSignal = createWakeSignal({ signal })
  const removeWake = onWake(wakeSignal.raise)

  async function readNext(): Promise<readonly StoreChange[]> {
    // What this daemon did not see during an outage may be missing in the changes: heartbeats, and what lapsed here.
    const outagesNow = outages()
    const batch = await readChanges(cursor)
    if (!batch.compacted && outagesNow === outagesSeen) {
      cursor = batch.cursor
      return batch.changes
    }
    if (batch.compacted) rewound = batch.rewound ?? rewound
    const snapshot = await load()
    cursor = { version: snapshot.resource_version }
    outagesSeen = outagesNow
    const change: StoreChange = { type: 'snapshot', snapshot, ...(rewound && { rewound }) }
    rewound = undefined
    return [change]
  }

  try {
    while (!signal.aborted) {
      const changes = await readNext().catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) onError(error)
        return []
      })
      if (changes.length > 0) yield changes
      // Another page of writes may follow at once. Heartbeats are read more than once and do not count.
      if (changes.every(({ type }) => type === 'heartbeats')) {
        await wakeSignal.wait(periodMs())
        wakeSignal.take()
      }
    }
  } finally {
    removeWake()
  }
}
