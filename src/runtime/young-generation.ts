import { PerformanceObserver } from 'node:perf_hooks'
import v8 from 'node:v8'

/** Each of its two halves. */
const most = 8 * 1024 * 1024
/** By how much V8 lets it grow at a time. */
const usually = 2

/**
 * Keeps the young generation of the heap small, as `--max-semi-space-size=8` does for who thinks of it.
 *
 * V8 lets a burst blow it up to 128 MB, which stay resident when the burst is long over, and a collection of that much holds
 * the event loop for 20 ms. How large it may become is settled when the process starts; by how much it grows, each time anew.
 */
export function boundYoungGeneration(): Disposable {
  let factor = usually

  function growBy(next: number): void {
    if (next === factor) return
    factor = next
    v8.setFlagsFromString(`--semi-space-growth-factor=${factor}`)
  }

  const collections = new PerformanceObserver(() => growBy(youngBytes() * usually <= most ? usually : 1))
  collections.observe({ entryTypes: ['gc'] })
  return {
    [Symbol.dispose]() {
      collections.disconnect()
      growBy(usually)
    },
  }
}

/** What one half holds, whether all of it is in use yet or not. */
export function youngBytes(): number {
  const young = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  return young ? young.space_used_size + young.space_available_size : 0
}
