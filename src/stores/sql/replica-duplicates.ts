import type { NewEvent } from '../event.ts'

/** An event that another replica stored. Times are milliseconds of the database's clock. */
export type ReplicaEvent = { readonly digest: string; readonly at: number }

type SeenEvent = ReplicaEvent & { readonly seenAt: number }

/** How far apart two replicas may see the same, in ms. */
const windowMs = 60_000
/** How many events before the start may stand in for one of this replica. */
const maxEarlierIds = 1000

/**
 * Drops events that another replica has stored already: each of its events stands in for one event here.
 *
 * Two replicas see the same server fail, and the same lease expire, within seconds of each other.
 */
export function createReplicaDuplicates() {
  /** The greatest id up to which events of other replicas were read. */
  let cursor: number | undefined
  /** Events of other replicas that stand in for none of this one yet. */
  let unmatched: readonly SeenEvent[] = []

  /** Plans an append. `confirm` must be called once it is stored. */
  function plan(
    events: readonly NewEvent[],
    { replicaEvents, newest, now }: { replicaEvents: readonly ReplicaEvent[]; newest: number; now: number },
  ): { readonly fresh: readonly NewEvent[]; readonly confirm: () => void } {
    const isFirst = cursor === undefined
    const seen = replicaEvents.map((event) => ({ ...event, seenAt: isFirst ? event.at : now }))
    const candidates = [...unmatched, ...seen].filter(({ seenAt }) => now - seenAt <= windowMs)
    const byDigest = Map.groupBy(candidates, ({ digest }) => digest)
    const fresh = events.filter((event) => !takeMatch(byDigest, event, now))
    const confirm = () => {
      unmatched = byDigest.values().toArray().flat()
      cursor = newest + fresh.length
    }
    return { fresh, confirm }
  }

  return {
    plan,
    /** The id after which events of other replicas have to be read. */
    readFrom: (newest: number) => cursor ?? Math.max(0, newest - maxEarlierIds),
  }
}

/** Removes the first event that stands in for `event`; false where there is none. */
function takeMatch(byDigest: Map<string, SeenEvent[]>, { digest, age_ms }: NewEvent, now: number): boolean {
  const candidates = digest === undefined ? undefined : byDigest.get(digest)
  const index = candidates?.findIndex(({ at }) => Math.abs(at - (now - age_ms)) <= windowMs) ?? -1
  if (index < 0) return false
  candidates?.splice(index, 1)
  return true
}
