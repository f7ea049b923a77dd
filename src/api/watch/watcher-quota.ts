import { anonymousName, type Principal } from '../../model/principal.ts'
import type { WatchConfig } from '../config/watch.ts'
import { Problem } from '../http/problem.ts'

/** Counts the watchers, and refuses one beyond the limit of all or of its token. */
export function createWatcherQuota({ limits, random }: { limits: () => WatchConfig; random: () => number }) {
  const byPrincipal = new Map<string, number>()
  let total = 0
  let isClosed = false

  /** The problem for one more watcher of a principal; undefined where it is admitted. Anonymous watchers share no limit. */
  function refusal({ name }: Principal): Problem | undefined {
    const { max_watchers: max, max_watchers_per_token: maxPerToken } = limits()
    const headers = { 'retry-after': String(1 + Math.floor(random() * 10)) }
    if (isClosed) return new Problem('shutting_down', 'The registry is shutting down.', { headers })
    if (total >= max)
      return new Problem('watcher_limit_reached', `Watcher limit (${max}) reached; retry later.`, { headers })
    if (name === anonymousName || (byPrincipal.get(name) ?? 0) < maxPerToken) return undefined
    return new Problem('token_watcher_limit_reached', `Watcher limit of this token (${maxPerToken}) reached.`, {
      headers,
    })
  }

  function add({ name }: Principal): void {
    total += 1
    byPrincipal.set(name, (byPrincipal.get(name) ?? 0) + 1)
  }

  function remove({ name }: Principal): void {
    total -= 1
    const remaining = (byPrincipal.get(name) ?? 1) - 1
    if (remaining === 0) byPrincipal.delete(name)
    else byPrincipal.set(name, remaining)
  }

  return { refusal, add, remove, total: () => total, close: () => void (isClosed = true) }
}
