/** Cancels one exchange: by itself, with the caller's signal, or on disposal. */
export type Cancellation = Disposable & {
  readonly signal: AbortSignal
  readonly cancel: (reason?: unknown) => void
}

// The type is explicit: the library's declaration files cannot name the inferred one.
export function createCancellation(outer: AbortSignal | undefined): Cancellation {
  const controller = new AbortController()
  const cancel = (reason?: unknown) => controller.abort(reason)
  const cancelWithOuter = () => cancel(outer?.reason)
  if (outer?.aborted) cancelWithOuter()
  outer?.addEventListener('abort', cancelWithOuter, { once: true })

  function dispose(): void {
    outer?.removeEventListener('abort', cancelWithOuter)
    cancel()
  }

  return { signal: controller.signal, cancel, [Symbol.dispose]: dispose }
}

/** The longest time that a timer can wait for, in ms; a longer one would end at once. */
const maxTimerMs = 2_147_483_647

/** Calls `onTimeout` unless it is reset within `ms`. */
export function createWatchdog(ms: number, onTimeout: () => void) {
  const limitMs = Math.min(ms, maxTimerMs)
  let timer = setTimeout(onTimeout, limitMs)
  const stop = () => clearTimeout(timer)

  function reset(): void {
    stop()
    timer = setTimeout(onTimeout, limitMs)
  }

  return { reset, stop, [Symbol.dispose]: stop }
}

/** Calls `check` every `ms` until the signal aborts, one call at a time; a check that fails is made again. */
export function repeatCheck(ms: number, signal: AbortSignal, check: () => Promise<void>): void {
  let isRunning = false

  async function run(): Promise<void> {
    if (isRunning) return
    isRunning = true
    await check().catch(() => undefined)
    isRunning = false
  }

  const timer = setInterval(() => void run(), ms)
  const stop = () => clearInterval(timer)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
}

/** Resolves after `ms`, or when the signal aborts. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ms)
    function finish(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    signal?.addEventListener('abort', finish)
    if (signal?.aborted) finish()
  })
}
