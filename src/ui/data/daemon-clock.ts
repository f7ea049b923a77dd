import { signal } from '@preact/signals'

/** Difference that a slow answer may feign, in ms: the header has seconds. */
const noiseMs = 5000

/** The daemon's clock less that of this browser, in ms. Leases and ages are told by the daemon's. */
export const clockOffset = signal(0)

/** Learns from the header `Date` of an answer. */
export function noteDate(header: string | null): void {
  const differenceMs = Date.parse(header ?? '') - Date.now()
  if (Number.isNaN(differenceMs) || Math.abs(differenceMs - clockOffset.peek()) < noiseMs) return
  clockOffset.value = Math.abs(differenceMs) < noiseMs ? 0 : differenceMs
}
