import { signal } from '@preact/signals'

const key = 'mcp-roster token'

/** The token of this tab; it is forgotten with the tab. */
export const token = signal(sessionStorage.getItem(key) ?? '')

/** Whether the daemon has refused the token, or asks for one. */
export const isTokenNeeded = signal(false)

/** Whether the dialog for a token is open. */
export const isTokenAsked = signal(false)

/** Opens the dialog for a token, but not again after it was closed without one. */
export function needToken(): void {
  if (isTokenNeeded.peek()) return
  isTokenNeeded.value = true
  isTokenAsked.value = true
}

export function setToken(text: string): void {
  const next = text.trim()
  if (next === '') sessionStorage.removeItem(key)
  else sessionStorage.setItem(key, next)
  isTokenNeeded.value = false
  isTokenAsked.value = false
  token.value = next
}
