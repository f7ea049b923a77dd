import { signal } from '@preact/signals'

/** Where the dashboard is served, and the API beside it: both may stand behind a path prefix. */
const base = new URL('..', import.meta.url)
export const apiUrl = new URL('..', base)

export type Place = {
  /** Decoded parts of the path: `['servers', 'default', 'weather']`. */
  readonly parts: readonly string[]
  readonly parameters: URLSearchParams
}

/** The page that the address names. */
export const place = signal(readPlace())

function readPlace(): Place {
  const below = location.pathname.slice(base.pathname.length)
  const parts = below.split('/').filter((part) => part !== '')
  return { parts: parts.map(decoded), parameters: new URLSearchParams(location.search) }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The address of a page. */
export function linkTo(parts: readonly string[], parameters?: URLSearchParams): string {
  const path = base.pathname + parts.map((part) => encodeURIComponent(part)).join('/')
  return parameters && parameters.size > 0 ? `${path}?${parameters.toString()}` : path
}

/** Opens a page. `replace` keeps no entry in the history: for filters while they are typed. */
export function open(address: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', address)
  else history.pushState(null, '', address)
  place.value = readPlace()
}

/** Changes parameters of the present page; an empty value removes one. */
export function setParameters(changes: Readonly<Record<string, string | readonly string[]>>): void {
  const { parts, parameters } = place.peek()
  const next = new URLSearchParams(parameters)
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name)
    for (const one of [value].flat()) if (one !== '') next.append(name, one)
  }
  open(linkTo(parts, next), { replace: true })
}

/** Follows links within the dashboard without loading the page again. */
export function followLinks(): void {
  addEventListener('popstate', () => (place.value = readPlace()))
  document.addEventListener('click', (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return
    const link = (event.target as Element).closest('a')
    if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return
    if (!link.pathname.startsWith(base.pathname)) return
    event.preventDefault()
    open(link.href)
    scrollTo(0, 0)
  })
}
