import { anonymousName } from '../../model/principal.ts'
import type { WatchConfig } from '../config/watch.ts'
import type { ProblemCode } from '../http/problem-codes.ts'
import { Problem } from '../http/problem.ts'

/** The caller of a watch: the name of its principal, and its address. */
export type Caller = { readonly name: string; readonly address: string }

/** Counts the watchers, and refuses one beyond the limit of all, of its token or of its address. */
export function createWatcherQuota({ limits, random }: { limits: () => WatchConfig; random: () => number }) {
  const byToken = new Map<string, number>()
  const byAddress = new Map<string, number>()
  /** The watchers without a token of each address. */
  const anonymousByAddress = new Map<string, number>()
  let total = 0
  let isClosed = false

  /** The problem for one more watcher of a caller; undefined where it is admitted. All without a token share one limit. */
  function refusal({ name, address }: Caller): Problem | undefined {
    const { max_watchers: max, max_watchers_per_token: maxPerToken, max_watchers_per_address: given } = limits()
    const maxPerAddress = given ?? Math.ceil(max / 2)
    if (isClosed) return refused('shutting_down', 'The registry is shutting down.')
    if (total >= max) return refused('watcher_limit_reached', `Watcher limit (${max}) reached; retry later.`)
    if ((byToken.get(name) ?? 0) >= maxPerToken) {
      const owner = name === anonymousName ? 'clients without a token' : 'this token'
      return refused('token_watcher_limit_reached', `Watcher limit of ${owner} (${maxPerToken}) reached.`)
    }
    if ((byAddress.get(address) ?? 0) >= maxPerAddress)
      return refused('address_watcher_limit_reached', `Watcher limit of this address (${maxPerAddress}) reached.`)
    const maxAnonymous = given ?? Math.ceil(maxPerToken / 2)
    if (name !== anonymousName || (anonymousByAddress.get(address) ?? 0) < maxAnonymous) return undefined
    return refused(
      'address_watcher_limit_reached',
      `Watcher limit of this address without a token (${maxAnonymous}) reached.`,
    )
  }

  function refused(code: ProblemCode, detail: string): Problem {
    return new Problem(code, detail, { headers: { 'retry-after': String(1 + Math.floor(random() * 10)) } })
  }

  function count({ name, address }: Caller, by: 1 | -1): void {
    total += by
    addTo(byToken, name, by)
    addTo(byAddress, address, by)
    if (name === anonymousName) addTo(anonymousByAddress, address, by)
  }

  return {
    refusal,
    add: (caller: Caller) => count(caller, 1),
    remove: (caller: Caller) => count(caller, -1),
    total: () => total,
    close: () => void (isClosed = true),
  }
}

function addTo(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by
  if (next === 0) counts.delete(key)
  else counts.set(key, next)
}
