import type { KubeTuning } from '../tuning.ts'

/** Events this soon after a restart were waiting: the restart was right. */
const maxBacklogDelayMs = 1000
/** Upper bound of the limit of silence, in multiples of `stallMs`. */
const maxLimitFactor = 5
/** Tolerated silence, in multiples of the longest interval between bookmarks. */
const bookmarkFactor = 2.2

/**
 * Detects silent watches whose connection may be dead.
 *
 * Watches that share a connection are trusted: the health check covers them. A watch with a connection of its own is
 * restarted early the first time; if it was merely quiet, the next restart comes later. The interval of bookmarks shows what
 * silence is normal.
 */
export function createWatchStallDetector({ stallMs }: Pick<KubeTuning, 'stallMs'>) {
  let limitMs = stallMs
  let wasRestarted = false
  let maxBookmarkMs = 0

  /** Observes one stream; calls `onStall` after too long a silence. */
  function watch(onStall: () => void, { isTrusted }: { isTrusted: () => boolean }) {
    let lastEventAt = performance.now()
    let lastBookmarkAt = lastEventAt
    let isFirstEvent = true
    let timer = setTimeout(check, limitMs)

    function check(): void {
      const silentMs = performance.now() - lastEventAt
      if (isTrusted() || silentMs < limitMs - 1) {
        timer = setTimeout(check, isTrusted() ? limitMs : limitMs - silentMs)
        return
      }
      wasRestarted = true
      limitMs = stallMs * maxLimitFactor
      onStall()
    }

    function onEvent({ isBookmark }: { isBookmark: boolean }): void {
      const now = performance.now()
      if (isFirstEvent && wasRestarted && !isBookmark && now - lastEventAt < maxBacklogDelayMs) limitMs = stallMs
      if (isBookmark) {
        maxBookmarkMs = Math.max(maxBookmarkMs, now - lastBookmarkAt)
        limitMs = Math.min(stallMs * maxLimitFactor, Math.max(stallMs, maxBookmarkMs * bookmarkFactor))
        lastBookmarkAt = now
      }
      lastEventAt = now
      isFirstEvent = false
      wasRestarted = false
    }

    return { onEvent, stop: () => clearTimeout(timer) }
  }

  return { watch }
}
