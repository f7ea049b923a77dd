import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { createNetworks } from '../../../outbound/address-guard.ts'

/**
 * The address by which the limits count a client: that of its connection, or, behind trusted proxies (CIDRs), the last in
 * `X-Forwarded-For` that is not one of them. Any other entry could be the client's own invention.
 *
 * An IPv6 client is its network (/64), of which it may use any address.
 */
export function createClientAddress(trustedProxies: readonly string[]) {
  const isTrusted = trustedProxies.length === 0 ? undefined : createNetworks(trustedProxies)

  return ({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): string => {
    const { remoteAddress: peer = '' } = socket
    if (!isTrusted) return networkOf(peer)
    const { 'x-forwarded-for': header = '' } = headers
    const forwarded = String(header).split(',').map(hostOf)
    return networkOf([...forwarded, peer].findLast((address, index, all) => isClient(address, all, index)) ?? peer)
  }

  /** Whether an entry is the client: it is no proxy, and no entry before it can be believed. */
  function isClient(address: string, all: readonly string[], index: number): boolean {
    if (isIP(address) === 0) return false
    return index === 0 || !isTrusted?.(address) || isIP(all[index - 1] ?? '') === 0
  }
}

/** The address of an entry, without port, brackets and zone. */
function hostOf(entry: string): string {
  const text = entry.trim()
  const [, bracketed] = /^\[([^\]]*)\]/.exec(text) ?? []
  return (bracketed ?? (text.split(':').length === 2 ? text.replace(/:.*/, '') : text)).replace(/%.*/, '')
}

function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(address) ?? []
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.replace(/%.*/, '').split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  const network = [...left, ...zeros, ...right].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''))
  return `${network.join(':').replace(/(?<!:0)(?:^|:)0(?::0)*$/, '')}::/64`
}
