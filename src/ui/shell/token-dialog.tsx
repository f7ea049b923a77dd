import { useEffect, useRef } from 'preact/hooks'
import { retryNow } from '../data/live-servers.ts'
import { isTokenAsked, isTokenNeeded, setToken, token } from '../data/session.ts'
import { shellTexts as texts } from '../texts/shell.ts'

/** Asks for a token where the daemon does. */
export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const isAsked = isTokenAsked.value
  useEffect(() => {
    if (isAsked) dialog.current?.showModal()
    else dialog.current?.close()
  }, [isAsked])

  function use(event: SubmitEvent): void {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const given = new FormData(form).get('token')
    if (typeof given !== 'string') return
    form.reset()
    const isSame = given.trim() === token.peek()
    setToken(given)
    // The daemon may accept it now.
    if (isSame) retryNow()
  }

  return (
    <dialog ref={dialog} aria-labelledby="token-title" onClose={() => (isTokenAsked.value = false)}>
      <form onSubmit={use}>
        <h2 id="token-title">{texts.token.title}</h2>
        <p>{isTokenNeeded.value && token.value !== '' ? texts.token.wrong : texts.token.why}</p>
        <label>
          {texts.token.label}
          <input name="token" type="password" autocomplete="off" required />
        </label>
        <button type="submit" class="primary">
          {texts.token.use}
        </button>
      </form>
    </dialog>
  )
}
