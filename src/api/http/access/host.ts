import { isIP, isIPv4 } from 'node:net'

/**
 * The name in a `Host` header or an authority, without its port, lower-case; undefined where it is none, or none that a
 * URL holds as it stands.
 */
export function hostNameOf(host: string): string | undefined {
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(:\d{0,5})?$/i.exec(host)
  const name = found?.[1]?.toLowerCase()
  return URL.parse(`http://${host}`)?.hostname === name ? name : undefined
}

/** Whether a name or address means this machine and nobody else. */
export function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase()
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true
  return isIPv4(bare) ? bare.startsWith('127.') : isIP(bare) === 6 && bare === '::1'
}
