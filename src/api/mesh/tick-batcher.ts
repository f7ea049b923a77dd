/**
 * Does what comes in bursts in order, a little in each turn of the event loop, beginning with the end of this one: what
 * else there is to do has its turn meanwhile.
 */
export function createTickBatcher({ sliceMs = 1 }: { sliceMs?: number } = {}) {
  let waiting: (() => void)[] = []
  let next = 0

  function add(work: () => void): void {
    if (waiting.push(work) === 1) setImmediate(run)
  }

  function run(): void {
    const until = performance.now() + sliceMs
    for (let work = waiting[next]; work; work = waiting[next]) {
      next += 1
      work()
      if (performance.now() > until) break
    }
    if (next < waiting.length) return void setImmediate(run)
    waiting = []
    next = 0
  }

  return { add }
}
