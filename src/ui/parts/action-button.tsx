import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { notify, notifyError } from './notices.tsx'

/**
 * A button that does something at the daemon: shows that it runs, then its result or its error. With a `refusal` it is disabled and
 * says why.
 */
export function ActionButton({
  children,
  run,
  refusal,
  isPrimary = false,
}: {
  readonly children: ComponentChildren
  /** Resolves with what was done, for people; an empty text shows nothing. */
  readonly run: () => Promise<string>
  readonly refusal?: string | undefined
  readonly isPrimary?: boolean
}) {
  const isRunning = useSignal(false)

  async function start(): Promise<void> {
    if (isRunning.peek() || refusal !== undefined) return
    isRunning.value = true
    try {
      const text = await run()
      if (text !== '') notify(text)
    } catch (error) {
      notifyError(error)
    } finally {
      isRunning.value = false
    }
  }

  // Not `disabled`: that would take the reason away from the keyboard.
  return (
    <button
      type="button"
      class={isPrimary ? 'primary' : undefined}
      aria-disabled={refusal !== undefined || isRunning.value}
      aria-busy={isRunning.value}
      title={refusal}
      onClick={() => void start()}
    >
      {children}
    </button>
  )
}
