import { BlockList, isIP } from 'node:net'
import type { Reach } from '../model/change.ts'
import { Blocked } from './error-reasons.ts'

/** Which addresses may be called. */
export type Policy = { readonly reach: Reach; readonly allow?: readonly string[]; readonly deny?: readonly string[] }

/**
 * Addresses nobody has a business with through us: where clouds hand out credentials to whoever asks from inside,
 * link-local, multicast and broadcast.
 */
const never = [
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

/** This host itself, also by its unspecified address. */
const self = ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128']

/** Both, read when the first address is looked at: Node takes a while over its first IPv6 address. */
let lists: { readonly never: BlockList; readonly self: BlockList } | undefined

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

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    if (!isCidr(cidr)) throw new Blocked(`${cidr} is no network: write 10.0.0.0/8 or fd00::/8`)
    const { address, family, prefix } = parseCidr(cidr)
    list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** The groups of an IPv6 address, in whatever way it is written. */
function groupsOf(address: string): number[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(zeros).fill('0'), ...right].map((group) => Number.parseInt(group, 16))
}

/** The IPv4 address that an IPv6 one stands for: mapped, compatible, translated (NAT64) or tunnelled (6to4). */
function embedded(address: string): string | undefined {
  const groups = groupsOf(address)
  const ipv4 = (high = 0, low = 0) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const start = groups
    .slice(0, 6)
    .map((group) => group.toString(16))
    .join(':')
  if (groups[0] === 0x2002) return ipv4(groups[1], groups[2])
  if (start === '0:0:0:0:0:ffff' || start === '0:0:0:0:ffff:0') return ipv4(groups[6], groups[7])
  if (start === '64:ff9b:0:0:0:0' || start.startsWith('64:ff9b:1:')) return ipv4(groups[6], groups[7])
  // `::` and `::1` are themselves; anything else below is an IPv4-compatible address of old.
  if (start === '0:0:0:0:0:0' && (groups[6] !== 0 || (groups[7] ?? 0) > 1)) return ipv4(groups[6], groups[7])
  return undefined
}

function contains(list: BlockList, address: string): boolean {
  if (isIP(address) === 4) return list.check(address, 'ipv4')
  const inside = embedded(address)
  return list.check(address, 'ipv6') || (inside !== undefined && list.check(inside, 'ipv4'))
}

/** Tells of a numeric address why it may not be called; undefined where it may. */
export function createAddressGuard({ reach, allow, deny }: Policy): (address: string) => string | undefined {
  const allowed = allow && networks(allow)
  const denied = deny && networks(deny)

  return (text) => {
    lists ??= { never: networks(never), self: networks(self) }
    const address = text.replace(/%.*$/, '')
    if (isIP(address) === 0) return 'is no address'
    if (contains(lists.never, address)) return 'is link-local, multicast or a metadata address, which is never called'
    if (reach === 'private' && contains(lists.self, address)) {
      return 'is this host itself, which only what the operator wrote may call'
    }
    if (denied && contains(denied, address)) return 'is in a denied network'
    if (allowed && !contains(allowed, address)) return 'is in none of the allowed networks'
    return undefined
  }
}
