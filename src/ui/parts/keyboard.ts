import { useEffect, useRef } from 'preact/hooks'

/** Whether a key belongs to a field. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]')
}

/** Calls `onKey` for each key that belongs to no field and is no shortcut of the browser, while the component is shown. */
export function useKeys(onKey: (event: KeyboardEvent) => void): void {
  const current = useRef(onKey)
  current.current = onKey
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) current.current(event)
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}
