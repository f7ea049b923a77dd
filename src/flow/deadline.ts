export type Deadline = ReturnType<typeof createDeadline>

/** A limit of time, over after `ms` or when `outer` aborts; dispose it once what it limits is done. */
export function createDeadline(ms: number, outer?: AbortSignal) {
  let reason: Error | undefined
  let act: ((reason: Error) => void) | undefined
  let controller: AbortController | undefined
  let timer: NodeJS.Timeout | undefined = setTimeout(expire, ms)
  if (outer?.aborted) leave()
  else outer?.addEventListener('abort', leave, { once: true })

  function expire(): void {
    end(new DOMException('took too long', 'TimeoutError'))
  }

  function leave(): void {
    end(new DOMException('was called off', 'AbortError'))
  }

  function end(why: Error): void {
    pause()
    reason ??= why
    controller?.abort(reason)
    act?.(reason)
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
    outer?.removeEventListener('abort', leave)
  }

  /** The same as a signal; made for who asks, most never do. */
  function signal(): AbortSignal {
    controller ??= new AbortController()
    if (reason) controller.abort(reason)
    return controller.signal
  }

  return {
    /** Why it is over; undefined while it is not. */
    over: () => reason,
    /** Has `next` called when it is over, and whoever was to be called before no more. */
    onOver: (next: (reason: Error) => void) => void (act = next),
    signal,
    pause,
    restart,
    [Symbol.dispose]: dispose,
  }
}
