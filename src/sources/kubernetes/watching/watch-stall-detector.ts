import type { Tuning } from '../tuning.ts'

/**
 * Decides when a silent watch is to be suspected of hanging on a connection that is dead.
 *
 * Where watches share their connection, one question answers for all, and nothing is suspected here. Where each has its
 * own, the first suspicion comes early; when it proves wrong, the watch was only quiet, and the next comes later. A
 * server that sends bookmarks shows by their pace what silence is normal.
 */
export function createWatchStallDetector({ stallMs }: Pick<Tuning, 'stallMs'>) {
  let limit = stallMs
  let suspected = false
  let pace = 0

  /** Watches over one stream: calls `suspect` when it was silent for too long. */
  function watch(suspect: () => void, { trust }: { trust: () => boolean }) {
    let last = performance.now()
    let marked = last
    let first = true
    let timer = setTimeout(check, limit)

    function check(): void {
      const silent = performance.now() - last
      if (trust() || silent < limit - 1) {
        timer = setTimeout(check, trust() ? limit : limit - silent)
        return
      }
      suspected = true
      limit = stallMs * 5
      suspect()
    }

    function heard({ bookmark }: { bookmark: boolean }): void {
      const now = performance.now()
      // News right after a suspicion was there before it: the suspicion was right.
      if (first && suspected && !bookmark && now - last < 1000) limit = stallMs
      if (bookmark) {
        pace = Math.max(pace, now - marked)
        limit = Math.min(stallMs * 5, Math.max(stallMs, pace * 2.2))
        marked = now
      }
      last = now
      first = false
      suspected = false
    }

    return { heard, stop: () => clearTimeout(timer) }
  }

  return { watch }
}
