import type { Principal } from '../../model/principal.ts'
import type { CallsConfig } from '../config/calls.ts'
import { Problem } from '../http/problem.ts'

/** Counts the calls in flight, and rejects one beyond the limit of all or of its token. */
export function createCallQuota({
  limits,
}: {
  limits: () => Pick<CallsConfig, 'max_concurrent' | 'max_concurrent_per_token'>
}) {
  const byToken = new Map<string, number>()
  let total = 0

  /** Runs a call; throws where a limit is reached. */
  async function run<T>({ name }: Pick<Principal, 'name'>, call: () => Promise<T>): Promise<T> {
    const { max_concurrent: max, max_concurrent_per_token: maxPerToken } = limits()
    const headers = { 'retry-after': '1' }
    if (total >= max) throw new Problem('call_limit_reached', `Call limit (${max}) reached; retry later.`, { headers })
    const own = byToken.get(name) ?? 0
    if (own >= maxPerToken)
      throw new Problem('token_call_limit_reached', `Call limit of this token (${maxPerToken}) reached.`, { headers })
    total += 1
    byToken.set(name, own + 1)
    return call().finally(() => leave(name))
  }

  function leave(name: string): void {
    total -= 1
    const remaining = (byToken.get(name) ?? 1) - 1
    if (remaining === 0) byToken.delete(name)
    else byToken.set(name, remaining)
  }

  return { run }
}
