import { useEffect, useRef } from 'preact/hooks'
import { isTokenNeeded, setToken, token } from '../data/session.ts'
import { shellTexts as texts } from '../texts/shell.ts'

/** Asks for a token where the daemon does. */
export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const isNeeded = isTokenNeeded.value
  useEffect(() => {
    if (isNeeded) dialog.current?.showModal()
    else dialog.current?.close()
  }, [isNeeded])

  function use(event: SubmitEvent): void {
    event.preventDefault()
    const given = new FormData(event.target as HTMLFormElement).get('token')
    if (typeof given === 'string') setToken(given)
  }

  return (
    <dialog ref={dialog} aria-labelledby="token-title">
      <form onSubmit={use}>
        <h2 id="token-title">{texts.token.title}</h2>
        <p>{token.value === '' ? texts.token.why : texts.token.wrong}</p>
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
