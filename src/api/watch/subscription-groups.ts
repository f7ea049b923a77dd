import { createSubscriptionGroup, type SubscriptionGroup } from './subscription-group.ts'
import type { WatchSelection } from './watch-selection.ts'

type Options = Omit<Parameters<typeof createSubscriptionGroup>[0], 'selection' | 'runSerially'>

/** One group per selection, for as long as it has a watcher. */
export function createSubscriptionGroups({ onError, ...options }: Options) {
  const groups = new Map<string, SubscriptionGroup>()
  let lastWork = Promise.resolve()

  function runSerially(work: () => Promise<void>): void {
    lastWork = lastWork.then(work).catch(onError)
  }

  function groupOf(selection: WatchSelection): SubscriptionGroup {
    const existing = groups.get(selection.key)
    if (existing) return existing
    const group = createSubscriptionGroup({ ...options, selection, runSerially, onError })
    groups.set(selection.key, group)
    return group
  }

  return {
    join(selection: WatchSelection): SubscriptionGroup {
      const group = groupOf(selection)
      group.join()
      return group
    },
    leave(group: SubscriptionGroup): void {
      if (group.leave() === 0) groups.delete(group.key)
    },
    evict(): void {
      for (const group of groups.values()) group.evict()
    },
    size: () => groups.size,
  }
}
