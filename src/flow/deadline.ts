export type Deadline = ReturnType<typeof createDeadline>

/** A time limit: aborts after `ms`, or with `outer`. Dispose it once the limited work is done. */
export function createDeadline(ms: number, outer?: AbortSignal) {
  let reason: Error | undefined
  let listener: ((reason: Error) => void) | undefined
  let controller: AbortController | undefined
  let timer: NodeJS.Timeout | undefined = setTimeout(expire, ms)
  if (outer?.aborted) cancel()
  else outer?.addEventListener('abort', cancel, { once: true })

  function expire(): void {
    abort(new DOMException('deadline exceeded', 'TimeoutError'))
  }

  function cancel(): void {
    abort(new DOMException('cancelled', 'AbortError'))
  }

  function abort(cause: Error): void {
    pause()
    reason ??= cause
    controller?.abort(reason)
    listener?.(reason)
  }

  function pause(): void {
    clearTimeout(timer)
    timer = undefined
  }

  function restart(ms: number): void {
    pause()
    timer = setTimeout(expire, ms)
  }

  function dispose(): void {
    pause()
    outer?.removeEventListener('abort', cancel)
  }

  /** The deadline as a signal, created on first use: most callers need none. */
  function signal(): AbortSignal {
    controller ??= new AbortController()
    if (reason) controller.abort(reason)
    return controller.signal
  }

  return {
    /** Why the deadline aborted; undefined while it runs. */
    abortReason: () => reason,
    /** Calls `next` on abort, in place of the listener before. */
    onAbort: (next: (reason: Error) => void) => void (listener = next),
    signal,
    pause,
    restart,
    [Symbol.dispose]: dispose,
  }
}
