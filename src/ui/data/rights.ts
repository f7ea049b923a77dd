import { signal } from '@preact/signals'
import { request } from './api.ts'
import { link } from './live-servers.ts'
import { token } from './session.ts'

/** What the token of this tab may do, as `GET /me` says. */
export type Rights = {
  readonly name: string
  readonly anonymous: boolean
  readonly role: 'none' | 'reader' | 'registrar' | 'admin'
  /** Namespaces that it is bound to; absent: all. */
  readonly namespaces?: readonly string[]
  readonly rights: readonly string[]
  /** The dashboard of this daemon offers no actions. */
  readonly read_only: boolean
}

export const rights = signal<Rights | undefined>(undefined)

const ranks = ['none', 'reader', 'registrar', 'admin']

/** Why an action is not offered; undefined where it is. The daemon decides in the end. */
export function refusalOf(role: 'registrar' | 'admin', namespace?: string): string | undefined {
  const known = rights.value
  if (!known) return undefined
  if (known.read_only) return 'The dashboard is read-only here (ui.read_only).'
  if (ranks.indexOf(known.role) < ranks.indexOf(role)) return `Needs the role ${role}; this token has ${known.role}.`
  return boundElsewhere(known, namespace)
}

function boundElsewhere({ namespaces }: Rights, namespace: string | undefined): string | undefined {
  if (!namespaces || (namespace !== undefined && namespaces.includes(namespace))) return undefined
  return `This token is bound to ${namespaces.join(', ')}.`
}

/** Why a tool of this namespace is not called; undefined where it is. */
export function callRefusal(namespace: string): string | undefined {
  const known = rights.value
  if (!known) return undefined
  if (known.read_only) return 'The dashboard is read-only here (ui.read_only).'
  if (!known.rights.includes('call')) return 'Needs the right call, or the role admin.'
  return boundElsewhere(known, namespace)
}

/** Asks what the token may, again with each new one and whenever the daemon is back. */
export function followRights(): void {
  function ask(): void {
    const bearer = token.peek()
    const keep = (known: Rights | undefined) => {
      // An answer to the token before may come late.
      if (bearer === token.peek()) rights.value = known
    }
    request<Rights>('me').then(keep, () => keep(undefined))
  }
  token.subscribe(ask)
  let wasLost = false
  link.subscribe(({ state }) => {
    if (state === 'lost') wasLost = true
    if (state !== 'live' || !wasLost) return
    wasLost = false
    ask()
  })
}
