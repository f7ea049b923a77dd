import type { Principal } from '../../model/principal.ts'
import type { WatchConfig as Limits } from '../config/watch.ts'
import { Problem } from '../http/problem.ts'

/** Counts who watches, and turns away who comes when there are most of all, or most of one token. */
export function createAdmission({ limits, random }: { limits: () => Limits; random: () => number }) {
  const perPrincipal = new Map<string, number>()
  let total = 0
  let closed = false

  function refusal({ name }: Principal): Problem | undefined {
    const { max_watchers: most, max_watchers_per_token: mostOfOne } = limits()
    const headers = { 'retry-after': String(1 + Math.floor(random() * 10)) }
    if (closed) return new Problem('shutting_down', 'The registry is going down.', { headers })
    if (total >= most)
      return new Problem('watcher_limit_reached', `There are ${most} watchers already; try again later.`, { headers })
    if (name === 'anonymous' || (perPrincipal.get(name) ?? 0) < mostOfOne) return undefined
    return new Problem('token_watcher_limit_reached', `This token has ${mostOfOne} watchers already.`, { headers })
  }

  function enter({ name }: Principal): void {
    total += 1
    perPrincipal.set(name, (perPrincipal.get(name) ?? 0) + 1)
  }

  function leave({ name }: Principal): void {
    total -= 1
    const rest = (perPrincipal.get(name) ?? 1) - 1
    if (rest === 0) perPrincipal.delete(name)
    else perPrincipal.set(name, rest)
  }

  return { refusal, enter, leave, total: () => total, close: () => void (closed = true) }
}
