import { signal } from '@preact/signals'

const key = 'mcp-roster token'

/** The token of this tab; it is forgotten with the tab. */
export const token = signal(sessionStorage.getItem(key) ?? '')

/** Whether the daemon has refused the token, or asks for one. */
export const isTokenNeeded = signal(false)

export function setToken(text: string): void {
  const next = text.trim()
  if (next === '') sessionStorage.removeItem(key)
  else sessionStorage.setItem(key, next)
  isTokenNeeded.value = false
  token.value = next
}
