/**
 * Gathers a burst of calls into one: `act` runs once it was quiet for `quietMs`, and `mostMs` after the first call at the latest.
 *
 * `act` never overlaps itself; what comes in while it runs makes it run once more.
 */
export function createDebounce({
  act,
  quietMs = 100,
  mostMs = 2000,
}: {
  act: () => void | Promise<void>
  quietMs?: number
  mostMs?: number
}) {
  let timer: NodeJS.Timeout | undefined
  let first = 0
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
        poke()
      }
    }
  }

  function poke(): void {
    if (closed) return
    if (running) {
      again = true
      return
    }
    const now = performance.now()
    if (timer === undefined) first = now
    clearTimeout(timer)
    timer = setTimeout(() => void run(), Math.max(0, Math.min(quietMs, first + mostMs - now)))
  }

  function close(): void {
    closed = true
    clearTimeout(timer)
  }

  return { poke, close }
}
