import { PerformanceObserver } from 'node:perf_hooks'
import v8 from 'node:v8'

const maxSemiSpaceBytes = 8 * 1024 * 1024
/** V8's default: the semi-space doubles whenever enough of it survives a collection. */
const defaultGrowthFactor = 2

/**
 * Bounds the young generation of the heap at run time, as `--max-semi-space-size=8` does at start.
 *
 * V8 reads the maximum once at start, but the growth factor at each collection: at 1 the semi-space stays as it is.
 *
 * - Upstream: https://github.com/nodejs/node/issues/42511 (the default maximum grew with the heap limit; closed).
 * - For: Node 24.
 * - Gain: FIGURES
 * - Remove when `test/runtime/young-generation.test.ts` fails for a process without the bound: then V8 grows it no more.
 */
export function boundYoungGeneration(): Disposable {
  let factor = defaultGrowthFactor

  function growBy(next: number): void {
    if (next === factor) return
    factor = next
    v8.setFlagsFromString(`--semi-space-growth-factor=${factor}`)
  }

  const collections = new PerformanceObserver(() =>
    growBy(semiSpaceBytes() * defaultGrowthFactor <= maxSemiSpaceBytes ? defaultGrowthFactor : 1),
  )
  collections.observe({ entryTypes: ['gc'] })
  return {
    [Symbol.dispose]() {
      collections.disconnect()
      growBy(defaultGrowthFactor)
    },
  }
}

/** Capacity of one semi-space, used or not. */
function semiSpaceBytes(): number {
  const space = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  return space ? space.space_used_size + space.space_available_size : 0
}
