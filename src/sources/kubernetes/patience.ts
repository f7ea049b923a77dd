import type { Habits } from './habits.ts'

/**
 * Decides when a silent watch is to be suspected of hanging on a connection that is dead.
 *
 * Where watches share their connection, one question answers for all, and nothing is suspected here. Where each has its
 * own, the first suspicion comes early; when it proves wrong, the watch was only quiet, and the next comes later. A
 * server that sends bookmarks shows by their pace what silence is normal.
 */
export function createPatience({ silenceMs }: Pick<Habits, 'silenceMs'>) {
  let limit = silenceMs
  let suspected = false

  /** Watches over one stream: calls `suspect` when it was silent for too long. */
  function watch(suspect: () => void, { trust }: { trust: () => boolean }) {
    let last = performance.now()
    let first = true
    let timer = setTimeout(check, limit)

    function check(): void {
      const silent = performance.now() - last
      if (trust() || silent < limit - 1) {
        timer = setTimeout(check, trust() ? limit : limit - silent)
        return
      }
      suspected = true
      limit = silenceMs * 5
      suspect()
    }

    function heard(): void {
      const now = performance.now()
      const gap = now - last
      last = now
      // News right after a suspicion was there before it: the suspicion was right.
      if (first && suspected) limit = gap < 1000 ? silenceMs : limit
      else limit = Math.max(limit, Math.min(silenceMs * 5, gap * 2.2))
      first = false
      suspected = false
    }

    return { heard, stop: () => clearTimeout(timer) }
  }

  return { watch }
}
