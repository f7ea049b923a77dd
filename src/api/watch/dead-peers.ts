import { open } from 'node:fs/promises'
import type { Socket } from 'node:net'

/** Linux lists every connection here, with how often it sent the same again (`retrnsmt`, see proc_net_tcp of the kernel). */
const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6']

/** Local port, remote address, remote port and repetitions of an established connection, all in hexadecimal digits. */
const established = /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]+):([\dA-F]{4}) 01 \S+ \S+ ([\dA-F]{8})/gm

/**
 * Tells which peers have vanished without a word though something was written to them: nothing of it was acknowledged, and it
 * was sent again `times` times, in longer and longer pauses (seven are 25 s on a fast network).
 *
 * Keep-alive does not find them, for nobody is asked who owes an acknowledgement; the system gives up after a quarter of an
 * hour, and Node cannot tell it to do so sooner (TCP_USER_TIMEOUT). Where there is no such table, nobody is found; undefined
 * is nobody, so that no socket need be asked for its peer, which it would keep.
 */
export async function findDeadPeers(times: number): Promise<((socket: Socket) => boolean) | undefined> {
  const silent = new Set<string>()
  for (const table of tables) {
    for await (const lines of linesOf(table)) {
      for (const [, local = '', address = '', remote = '', repeated = ''] of lines.matchAll(established)) {
        if (Number.parseInt(repeated, 16) < times) continue
        silent.add(`${Number.parseInt(local, 16)} ${addressIn(address)} ${Number.parseInt(remote, 16)}`)
      }
    }
  }
  if (silent.size === 0) return undefined
  return ({ localPort, remoteAddress, remotePort }) =>
    silent.has(`${localPort} ${canonical(remoteAddress ?? '')} ${remotePort}`)
}

/** Some whole lines at a time: of ten thousand connections there are megabytes, too long to be searched in one go. */
async function* linesOf(path: string): AsyncGenerator<string> {
  await using file = await open(path).catch(() => undefined)
  if (!file) return
  const buffer = Buffer.allocUnsafe(64 * 1024)
  let rest = ''
  for (;;) {
    const { bytesRead } = await file.read(buffer)
    if (bytesRead === 0) return
    const text = rest + buffer.toString('latin1', 0, bytesRead)
    const end = text.lastIndexOf('\n') + 1
    yield text.slice(0, end)
    rest = text.slice(end)
  }
}

/** An address of the table: words of four bytes, the least first. */
function addressIn(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  return canonical(bytes.map((byte, at) => (at % 2 === 1 && at < 15 ? `${byte}:` : byte)).join(''))
}

/** One spelling for each address; IPv4 within IPv6 is IPv4. */
function canonical(address: string): string {
  if (!address.includes(':')) return address
  const host = URL.parse(`http://[${address.replace(/%.*/, '')}]`)?.hostname ?? ''
  const [, high, low] = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(host) ?? []
  if (high === undefined || low === undefined) return host
  const [one, other] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return `${one >> 8}.${one & 255}.${other >> 8}.${other & 255}`
}
