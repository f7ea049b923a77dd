type Wish = { readonly signal: AbortSignal; readonly isRetry: boolean }
type Waiter = { readonly isRetry: boolean; readonly enter: () => void }

/**
 * Lets at most `limit` servers connect at a time, in the order in which they came. Those that failed before get half of the places at
 * most: servers that never answer do not keep a new one waiting.
 */
export function createAdmission(limit: number) {
  const maxRetries = Math.max(1, Math.floor(limit / 2))
  const waiting: Waiter[] = []
  let active = 0
  let activeRetries = 0

  const mayEnter = (isRetry: boolean) => active < limit && (!isRetry || activeRetries < maxRetries)

  /** Resolves with what gives the place back; rejects with the reason of the signal. */
  async function admit({ signal, isRetry }: Wish): Promise<() => void> {
    signal.throwIfAborted()
    if (mayEnter(isRetry)) enter(isRetry)
    else await turn(signal, isRetry)
    return () => leave(isRetry)
  }

  function turn(signal: AbortSignal, isRetry: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = { isRetry, enter: () => settle(resolve) }
      const onAbort = () => settle(() => reject(signal.reason as Error))
      function settle(how: () => void): void {
        waiting.splice(waiting.indexOf(waiter), 1)
        signal.removeEventListener('abort', onAbort)
        how()
      }
      waiting.push(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  function enter(isRetry: boolean): void {
    active += 1
    if (isRetry) activeRetries += 1
  }

  function leave(isRetry: boolean): void {
    active -= 1
    if (isRetry) activeRetries -= 1
    const next = waiting.find((waiter) => mayEnter(waiter.isRetry))
    if (!next) return
    enter(next.isRetry)
    next.enter()
  }

  return { admit }
}
