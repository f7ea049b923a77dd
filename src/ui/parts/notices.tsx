import { signal } from '@preact/signals'
import { ApiError } from '../data/api.ts'
import { shellTexts as texts } from '../texts/shell.ts'

export type Notice = { readonly id: number; readonly text: string; readonly code?: string; readonly isError: boolean }

const notices = signal<readonly Notice[]>([])
const maxNotices = 4
/** Time for which a good notice stays, in ms; an error stays until it is closed. */
const stayMs = 6000
let lastId = 0

/** Shows what an action did. */
export function notify(text: string): void {
  const id = add({ text, isError: false })
  setTimeout(() => close(id), stayMs)
}

/** Shows why an action failed. */
export function notifyError(error: unknown): void {
  const code = error instanceof ApiError ? error.code : undefined
  add({ text: error instanceof Error ? error.message : String(error), isError: true, ...(code ? { code } : {}) })
}

function add(notice: Omit<Notice, 'id'>): number {
  lastId += 1
  notices.value = [...notices.peek(), { ...notice, id: lastId }].slice(-maxNotices)
  return lastId
}

function close(id: number): void {
  notices.value = notices.peek().filter((one) => one.id !== id)
}

/** What the last actions did, announced to screen readers. */
export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, code, isError }) => (
        <p key={id} class={isError ? 'notice bad' : 'notice'}>
          <span>
            {text} {code && <code>{code}</code>}
          </span>
          <button type="button" aria-label={texts.close} onClick={() => close(id)}>
            ×
          </button>
        </p>
      ))}
    </div>
  )
}
