import { createWatchdog } from '../../roster/cancellation.ts'
import { classifyFailure, type Cut, ExchangeError } from './failure.ts'
import { createTrace, runTraced } from './http-exchange.ts'

/** Limits of one exchange. */
export type Limits = {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs: number
}

type Kind = {
  /** It takes several requests, and may ignore its signal: it is over when it is cut. */
  readonly onCut?: () => void
  /** The SDK keeps the time. */
  readonly hasTimeout?: boolean
  /** It can be repeated elsewhere, so it is cut when the connection is lost. */
  readonly mayLeave?: boolean
}

type Parts = { readonly hasSession: () => boolean; readonly scrub: (text: string) => string }
type Running = {
  readonly cutShort: (why: Cut) => void
  readonly mayLeave: boolean
  /** What was to carry the answer has ended. */
  isEnded: boolean
}

/** Time that an answer may take on its way through the SDK once it has been received, in ms. */
const deliveryMs = 20

/** Runs the exchanges of one session: each within its limits, with what is known of a failed one. */
export function createExchanges({ hasSession, scrub }: Parts) {
  const running = new Set<Running>()
  let delivery: NodeJS.Timeout | undefined

  /** Runs one request of the SDK; throws an `ExchangeError`, or the reason of the caller's signal. */
  async function exchange<T>(
    work: (signal: AbortSignal, extend: () => void) => Promise<T>,
    { signal, timeoutMs }: Limits,
    { onCut, hasTimeout = false, mayLeave = false }: Kind = {},
  ): Promise<T> {
    signal?.throwIfAborted()
    const trace = createTrace()
    let cut: Cut
    let isSettled = false
    function cutShort(why: Cut): void {
      if (isSettled) return
      cut ??= why
      trace.abort(new Error(`exchange cut: ${why}`))
      onCut?.()
    }
    const onAbort = () => cutShort('signal')
    signal?.addEventListener('abort', onAbort, { once: true })
    const watchdog = hasTimeout ? undefined : createWatchdog(timeoutMs, () => cutShort('timeout'))
    const entry: Running = { cutShort, mayLeave, isEnded: false }
    if (!onCut) trace.onEnd = () => expectAnswer(entry)
    running.add(entry)
    try {
      const extend = watchdog?.reset ?? doNothing
      const result = runTraced(trace, () => work(trace.signal, extend))
      return await (onCut ? settledBy(trace.signal, result) : result)
    } catch (error) {
      // What is still on its way has no reader any more, and what was not sent must not be sent later.
      trace.abort()
      signal?.throwIfAborted()
      throw new ExchangeError(classifyFailure(error, { trace, cut, hasSession: hasSession(), scrub }))
    } finally {
      isSettled = true
      watchdog?.stop()
      running.delete(entry)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Ends an exchange whose answer has not come with what was to carry it. One timer serves all: a timer for each call costs more. */
  function expectAnswer(ended: Running): void {
    ended.isEnded = true
    delivery ??= setTimeout(() => {
      delivery = undefined
      for (const one of running) if (one.isEnded) one.cutShort('no_answer')
    }, deliveryMs)
  }

  /** Ends the exchanges: all, or those that can be repeated elsewhere. */
  function cutAll(why: 'closed' | 'lost'): void {
    for (const { cutShort, mayLeave } of running) if (why === 'closed' || mayLeave) cutShort(why)
  }

  return { exchange, cutAll }
}

const doNothing = () => undefined

/** The result of `work`, or a rejection as soon as the signal aborts. */
async function settledBy<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
