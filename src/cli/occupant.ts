import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** Who listens on a TCP port of this machine, as far as this user may know: `node (pid 4711)`. Linux only. */
export function occupantOf(port: number): string | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listenersIn(table, port)))
  if (inodes.size === 0) return undefined
  for (const pid of entriesOf('/proc')) {
    if (/^\d+$/.test(pid) && entriesOf(`/proc/${pid}/fd`).some((fd) => inodes.has(linkOf(`/proc/${pid}/fd/${fd}`)))) {
      return `${programOf(pid)} (pid ${pid})`
    }
  }
  return undefined
}

/** The program alone: its arguments may hold secrets. Node calls its own thread `MainThread`, so `comm` is no help. */
function programOf(pid: string): string {
  return basename(textOf(`/proc/${pid}/cmdline`).split('\0')[0] ?? '') || 'a process'
}

/** The sockets of the table that listen on the port: state 0A, the port as the hexadecimal end of the address. */
function listenersIn(table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return textOf(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[1]?.endsWith(end) && cells[3] === '0A')
    .map((cells) => `socket:[${cells[9]}]`)
}

/** Others' processes and those that just ended cannot be looked into; then nothing is known of them. */
function quietly<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}

const textOf = (file: string) => quietly(() => readFileSync(file, 'utf8'), '')
const entriesOf = (directory: string) => quietly(() => readdirSync(directory), [])
const linkOf = (link: string) => quietly(() => readlinkSync(link), '')
