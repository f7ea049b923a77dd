import { isIP, isIPv4 } from 'node:net'

/**
 * The host name of a `Host` header or an authority, in lower case and without its port and the dot of a full domain name;
 * undefined for an invalid one, and for one that a URL would write differently.
 */
export function hostNameOf(host: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(:\d{0,5})?$/i.exec(host)
  const name = match?.[1]?.toLowerCase().replace(/\.$/, '')
  return name !== undefined && URL.parse(`http://${name}${match?.[2] ?? ''}`)?.hostname === name ? name : undefined
}

/**
 * Whether a request with this host name is answered. On loopback these are the names of this machine and `hosts`; beyond it
 * every name, or, where `hosts` has some, those and addresses.
 *
 * A page whose DNS name is rebound to the daemon must not read from it or write to it. Its requests carry its name, never an
 * address.
 */
export function isHostAllowed(
  name: string,
  { loopback, hosts }: { readonly loopback: boolean; readonly hosts: readonly string[] },
): boolean {
  if (loopback) return isLoopback(name) || isListed(name, hosts)
  return hosts.length === 0 || isNamedHost(name, hosts)
}

/** Whether a page of this host is no page of a rebound name: `hosts` list it, or it is this machine or an address. */
export function isNamedHost(name: string, hosts: readonly string[]): boolean {
  return isLoopback(name) || isListed(name, hosts) || isIP(name.replace(/^\[|\]$/g, '')) !== 0
}

function isListed(name: string, hosts: readonly string[]): boolean {
  return hosts.some((host) => hostNameOf(host) === name)
}

/** Whether a name or address always means this machine. */
export function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase()
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true
  return isIPv4(bare) ? bare.startsWith('127.') : isIP(bare) === 6 && bare === '::1'
}
