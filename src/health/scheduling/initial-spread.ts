/** One newcomer a tenth of a second: alone, it is checked at once; ten of them within a second. */
const paceMs = 100

/** Spreads first checks: one newcomer is due within a second, a crowd is spread over the interval. */
export function createInitialSpread({ now, random }: { now: () => number; random: () => number }) {
  let end = 0

  /** When the next newcomer is due, which from then on is checked every `intervalMs`. */
  return (intervalMs: number): number => {
    const start = Math.max(end, now())
    if (start - now() >= intervalMs) return now() + random() * intervalMs
    end = start + paceMs
    return start + random() * paceMs
  }
}
