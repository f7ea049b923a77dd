/**
 * Debounces calls of `trigger`: `act` runs after `quietMs` without another call, at the latest `maxMs` after the first.
 *
 * `act` never runs twice at a time; calls during a run lead to one further run.
 */
export function createDebounce({
  act,
  quietMs = 100,
  maxMs = 2000,
}: {
  act: () => void | Promise<void>
  quietMs?: number
  maxMs?: number
}) {
  let timer: NodeJS.Timeout | undefined
  let firstAt = 0
  let running = false
  let again = false
  let closed = false

  async function run(): Promise<void> {
    timer = undefined
    running = true
    try {
      await act()
    } finally {
      running = false
      if (again && !closed) {
        again = false
        trigger()
      }
    }
  }

  function trigger(): void {
    if (closed) return
    if (running) {
      again = true
      return
    }
    const now = performance.now()
    if (timer === undefined) firstAt = now
    clearTimeout(timer)
    timer = setTimeout(() => void run(), Math.max(0, Math.min(quietMs, firstAt + maxMs - now)))
  }

  function close(): void {
    closed = true
    clearTimeout(timer)
  }

  return { trigger, close }
}
