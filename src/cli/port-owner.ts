import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** The process that listens on a TCP port of this machine: `node (pid 4711)`. Linux only; undefined where this user may not see it. */
export function portOwner(port: number): string | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listenersIn(table, port)))
  if (inodes.size === 0) return undefined
  for (const pid of entriesOf('/proc')) {
    if (/^\d+$/.test(pid) && entriesOf(`/proc/${pid}/fd`).some((fd) => inodes.has(linkOf(`/proc/${pid}/fd/${fd}`)))) {
      return `${programOf(pid)} (pid ${pid})`
    }
  }
  return undefined
}

/** The program without its arguments, which may contain secrets. `comm` does not help: Node names its thread `MainThread`. */
function programOf(pid: string): string {
  return basename(textOf(`/proc/${pid}/cmdline`).split('\0')[0] ?? '') || 'a process'
}

/** The listening sockets of the port: state 0A, the address ends with the port in hexadecimal. */
function listenersIn(table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return textOf(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[1]?.endsWith(end) && cells[3] === '0A')
    .map((cells) => `socket:[${cells[9]}]`)
}

/** Reads from /proc fail for other users' processes and for processes that have just ended. */
function orDefault<T>(read: () => T, fallback: T): T {
  try {
    return read()
  } catch {
    return fallback
  }
}

const textOf = (file: string) => orDefault(() => readFileSync(file, 'utf8'), '')
const entriesOf = (directory: string) => orDefault(() => readdirSync(directory), [])
const linkOf = (link: string) => orDefault(() => readlinkSync(link), '')
