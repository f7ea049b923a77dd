/** The end of one exchange: its own, or that of whoever asked for it. Disposal is an end too. */
export type Ending = Disposable & {
  readonly signal: AbortSignal
  readonly end: (reason?: unknown) => void
}

// Its type is written out: the declarations of the library could not name the inferred one.
export function createEnding(outer: AbortSignal | undefined): Ending {
  const controller = new AbortController()
  const end = (reason?: unknown) => controller.abort(reason)
  const endWithOuter = () => end(outer?.reason)
  if (outer?.aborted) endWithOuter()
  outer?.addEventListener('abort', endWithOuter, { once: true })

  function dispose(): void {
    outer?.removeEventListener('abort', endWithOuter)
    end()
  }

  return { signal: controller.signal, end, [Symbol.dispose]: dispose }
}

/** Bites when nobody calms it for so long. */
export function createWatchdog(ms: number, bite: () => void) {
  let timer = setTimeout(bite, ms)
  const hush = () => clearTimeout(timer)

  function calm(): void {
    hush()
    timer = setTimeout(bite, ms)
  }

  return { calm, hush, [Symbol.dispose]: hush }
}
