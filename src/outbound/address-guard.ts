import { BlockList, isIP, type LookupFunction } from 'node:net'
import type { Reach } from '../model/change.ts'
import type { HostLookup } from './dns-lookup.ts'
import { BlockedError } from './error-reasons.ts'

/** Which addresses may be called. */
export type AddressPolicy = {
  /** `public`: no private or reserved network but those of `exceptions`. */
  readonly reach: Reach | 'public'
  readonly exceptions?: readonly string[]
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

/** Returns why a numeric address may not be called; undefined if it may. */
export type AddressGuard = (address: string) => string | undefined

/** Addresses that no policy permits: metadata services of clouds, link-local, multicast and broadcast. */
const forbiddenNetworks = [
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  '224.0.0.0/4',
  'ff00::/8',
  '255.255.255.255/32',
]

/** This host: loopback, and the unspecified address. */
const localNetworks = ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128']

/** Networks that are not part of the public internet (the special-purpose registries of IANA). */
const reservedNetworks = [
  ...localNetworks,
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fec0::/10',
]

/** Built at the first check: Node takes several milliseconds over its first IPv6 subnet. */
let builtInLists: Readonly<Record<'forbidden' | 'local' | 'reserved', BlockList>> | undefined

/** Whether `text` is a network such as `10.0.0.0/8`, or a single address. */
export function isCidr(text: string): boolean {
  const { family, prefix } = parseCidr(text)
  return family !== 0 && Number.isInteger(prefix) && prefix >= 0 && prefix <= (family === 6 ? 128 : 32)
}

function parseCidr(text: string): { address: string; family: number; prefix: number } {
  const [address = '', bits, ...rest] = text.split('/')
  const family = rest.length > 0 || address.includes('%') ? 0 : isIP(address)
  if (bits === undefined) return { address, family, prefix: family === 6 ? 128 : 32 }
  return { address, family, prefix: /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN }
}

function toBlockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    if (!isCidr(cidr)) throw new BlockedError(`${cidr} is not a network; write 10.0.0.0/8 or fd00::/8`)
    const { address, family, prefix } = parseCidr(cidr)
    list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** The eight groups of an IPv6 address in any notation. */
function ipv6Groups(address: string): number[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(zeros).fill('0'), ...right].map((group) => Number.parseInt(group, 16))
}

/** The IPv4 address inside an IPv6 one: mapped, compatible, translated (NAT64) or tunnelled (6to4). */
function embeddedIpv4(address: string): string | undefined {
  const groups = ipv6Groups(address)
  const ipv4 = (high = 0, low = 0) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const start = groups
    .slice(0, 6)
    .map((group) => group.toString(16))
    .join(':')
  if (groups[0] === 0x2002) return ipv4(groups[1], groups[2])
  if (start === '0:0:0:0:0:ffff' || start === '0:0:0:0:ffff:0') return ipv4(groups[6], groups[7])
  if (start === '64:ff9b:0:0:0:0' || start.startsWith('64:ff9b:1:')) return ipv4(groups[6], groups[7])
  // `::` and `::1` embed nothing; every other address of this prefix is an obsolete IPv4-compatible one.
  if (start === '0:0:0:0:0:0' && (groups[6] !== 0 || (groups[7] ?? 0) > 1)) return ipv4(groups[6], groups[7])
  return undefined
}

function contains(list: BlockList, address: string): boolean {
  if (isIP(address) === 4) return list.check(address, 'ipv4')
  const inside = embeddedIpv4(address)
  return list.check(address, 'ipv6') || (inside !== undefined && list.check(inside, 'ipv4'))
}

/** Whether an address is in one of these networks. Throws a `BlockedError` for an invalid one. */
export function createNetworks(cidrs: readonly string[]): (address: string) => boolean {
  const list = toBlockList(cidrs)
  return (address) => contains(list, address)
}

/** Whether all addresses of a network are this host's: `0.0.0.0/0` holds them, but does not name them. */
function isLocalNetwork(cidr: string): boolean {
  const { address, family, prefix } = parseCidr(cidr)
  return prefix >= (family === 6 ? 128 : 8) && createNetworks(localNetworks)(address)
}

/** Compiles a policy into a check of numeric addresses. Throws a `BlockedError` for an invalid network. */
export function createAddressGuard({ reach, allow, deny, exceptions = [] }: AddressPolicy): AddressGuard {
  const excepted = toBlockList(exceptions)
  const allowed = allow && toBlockList(allow)
  const denied = deny && toBlockList(deny)
  const allowedLocal = reach === 'listed' ? (allow ?? []).filter(isLocalNetwork) : []
  const namesLocal = createNetworks(allowedLocal)

  return (text) => {
    builtInLists ??= {
      forbidden: toBlockList(forbiddenNetworks),
      local: toBlockList(localNetworks),
      reserved: toBlockList(reservedNetworks),
    }
    const address = text.replace(/%.*$/s, '')
    if (isIP(address) === 0) return 'is not numeric'
    if (contains(builtInLists.forbidden, address))
      return 'is link-local, multicast or a metadata address, which is never called'
    if (reach === 'private' && contains(builtInLists.local, address)) {
      return 'is this host itself, which only entries of the operator may call'
    }
    if (reach === 'listed' && contains(builtInLists.local, address) && !namesLocal(address)) {
      return 'is this host itself; name it in health.allow to probe servers there that were written by hand'
    }
    if (reach === 'public' && contains(builtInLists.reserved, address) && !contains(excepted, address)) {
      return 'is private or reserved'
    }
    if (denied && contains(denied, address)) return 'is in a denied network'
    if (allowed && !contains(allowed, address)) return 'is in none of the allowed networks'
    return undefined
  }
}

/**
 * A lookup that returns only addresses that may be called, so that the address checked is the address connected to.
 *
 * Hosts often have a link-local address beside a usable one, so the other addresses of an answer stay usable.
 */
export function guardedLookup(guard: AddressGuard, lookup: HostLookup): LookupFunction {
  return (hostname, { all, family, hints }, callback) => {
    const numericFamily = family === 'IPv6' ? 6 : family === 'IPv4' ? 4 : (family ?? 0)
    const options = { all: true, family: numericFamily, ...(hints === undefined ? {} : { hints }) } as const
    lookup(hostname, options, (error, addresses) => {
      if (error) return callback(error, '')
      const permitted = addresses.filter(({ address }) => guard(address) === undefined)
      const [first] = permitted
      if (first === undefined) return callback(lookupError(hostname, addresses[0], guard), '')
      if (all) return callback(null, [...permitted])
      return callback(null, first.address, first.family)
    })
  }
}

function lookupError(hostname: string, first: { readonly address: string } | undefined, guard: AddressGuard): Error {
  if (!first) return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' })
  return new BlockedError(`the address ${guard(first.address) ?? 'is refused'}`)
}

/** Checks a literal address of a URL, which never passes a lookup. */
export function checkLiteralAddress(hostname: string, guard: AddressGuard): BlockedError | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '')
  const reason = isIP(bare.replace(/%.*$/s, '')) === 0 ? undefined : guard(bare)
  return reason === undefined ? undefined : new BlockedError(`the address ${reason}`)
}
