import { useRef } from 'preact/hooks'
import { serverTexts as texts } from '../texts/server/server.ts'
import { notify } from './notices.tsx'

/** A text to take away, with a button that copies it. */
export function CopyText({ text, label }: { readonly text: string; readonly label: string }) {
  const shown = useRef<HTMLPreElement>(null)

  async function copy(): Promise<void> {
    try {
      // Absent where the dashboard is not served over HTTPS or from this machine.
      await navigator.clipboard.writeText(text)
      notify(texts.copied)
    } catch {
      getSelection()?.selectAllChildren(shown.current!)
      notify(texts.notCopied)
    }
  }

  return (
    <div class="copy">
      <pre ref={shown} tabIndex={0} role="region" aria-label={label}>
        <bdi>{text}</bdi>
      </pre>
      <button type="button" onClick={() => void copy()}>
        {texts.copy}
      </button>
    </div>
  )
}
