export type Deadline = ReturnType<typeof createDeadline>

/** A signal that aborts after `ms`, or when `outer` does; dispose it once what it limits is over. */
export function createDeadline(ms: number, outer?: AbortSignal) {
  const controller = new AbortController()
  const expire = () => controller.abort(new DOMException('took too long', 'TimeoutError'))
  let timer: NodeJS.Timeout | undefined = setTimeout(expire, ms)
  const leave = () => controller.abort(outer?.reason)
  if (outer?.aborted) leave()
  else outer?.addEventListener('abort', leave, { once: true })

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

  return { signal: controller.signal, pause, restart, [Symbol.dispose]: dispose }
}
