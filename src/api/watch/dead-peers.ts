import { open } from 'node:fs/promises'
import type { Socket } from 'node:net'

/** Linux lists every TCP connection here, with the number of its retransmits (`retrnsmt`; see the kernel's proc_net_tcp). */
const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6']

/** Local port, remote address, remote port and retransmits of an established connection, all hexadecimal. */
const establishedLine = /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]+):([\dA-F]{4}) 01 \S+ \S+ ([\dA-F]{8})/gm

/**
 * Finds peers that acknowledge nothing: the kernel sent the same segment again `minRetransmits` times, with growing pauses
 * (seven take 25 s on a fast network).
 *
 * TCP keep-alive does not find them, since it pauses while data is unacknowledged. The kernel gives up after a quarter of an
 * hour, and Node cannot set TCP_USER_TIMEOUT. Returns undefined where no peer is dead or the system has no such table, so
 * that no socket needs to resolve and keep its remote address.
 */
export async function findDeadPeers(minRetransmits: number): Promise<((socket: Socket) => boolean) | undefined> {
  const dead = new Set<string>()
  for (const table of tables) {
    for await (const lines of linesOf(table)) {
      for (const [, local = '', address = '', remote = '', retransmits = ''] of lines.matchAll(establishedLine)) {
        if (Number.parseInt(retransmits, 16) < minRetransmits) continue
        dead.add(`${Number.parseInt(local, 16)} ${parseAddress(address)} ${Number.parseInt(remote, 16)}`)
      }
    }
  }
  if (dead.size === 0) return undefined
  return ({ localPort, remoteAddress, remotePort }) =>
    dead.has(`${localPort} ${canonicalAddress(remoteAddress ?? '')} ${remotePort}`)
}

/** Blocks of whole lines: the table of ten thousand connections has megabytes, too long to search in one turn. */
async function* linesOf(path: string): AsyncGenerator<string> {
  await using file = await open(path).catch(() => undefined)
  if (!file) return
  const buffer = Buffer.allocUnsafe(64 * 1024)
  let partialLine = ''
  for (;;) {
    const { bytesRead } = await file.read(buffer)
    if (bytesRead === 0) return
    const text = partialLine + buffer.toString('latin1', 0, bytesRead)
    const end = text.lastIndexOf('\n') + 1
    yield text.slice(0, end)
    partialLine = text.slice(end)
  }
}

/** An address of the table: words of four bytes, each with its lowest byte first. */
function parseAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  return canonicalAddress(bytes.map((byte, at) => (at % 2 === 1 && at < 15 ? `${byte}:` : byte)).join(''))
}

/** One spelling for each address; an IPv4 address mapped to IPv6 becomes IPv4. */
function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address
  const host = URL.parse(`http://[${address.replace(/%.*/, '')}]`)?.hostname ?? ''
  const [, highText, lowText] = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(host) ?? []
  if (highText === undefined || lowText === undefined) return host
  const [high, low] = [Number.parseInt(highText, 16), Number.parseInt(lowText, 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
