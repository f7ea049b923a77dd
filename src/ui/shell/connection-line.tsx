import { clockOffset } from '../data/daemon-clock.ts'
import { link, retryNow } from '../data/live-servers.ts'
import { isTokenAsked, isTokenNeeded, token } from '../data/session.ts'
import { clock } from '../parts/time.tsx'
import { shellTexts as texts } from '../texts/shell.ts'

/** Whether what the page shows is current; where it is not, why, and what can be done. */
export function ConnectionLine() {
  const state = link.value
  if (isTokenAsked.value) return null
  if (isTokenNeeded.value)
    return (
      <p class="link lost" role="alert">
        {token.value === '' ? texts.token.title : texts.token.wrong}{' '}
        <button type="button" onClick={() => (isTokenAsked.value = true)}>
          {texts.token.enter}
        </button>
      </p>
    )
  if (state.state === 'live') return <p class="link live">{texts.live}</p>
  if (state.state === 'connecting') return <p class="link">{texts.connecting}</p>
  const seconds = state.state === 'lost' ? Math.ceil((state.retryAt + clockOffset.value - clock.value) / 1000) : 0
  return (
    <p class="link lost" role="alert">
      {state.state === 'lost' ? texts.lost(state.reason) : texts.refused(state.reason)}{' '}
      {state.state === 'lost' && <span aria-hidden="true">{texts.retryIn(seconds)}</span>}{' '}
      <button type="button" onClick={retryNow}>
        {texts.retryNow}
      </button>
    </p>
  )
}
