import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Log } from '../../../log.ts'

const folder = '/proc/self/fd'
/** Free descriptors below which connections, files and lookups begin to fail. */
const minFree = 16
const quietMs = 60_000

/**
 * Warns while the process is out of file descriptors, at most once a minute; stops with the returned function.
 *
 * Without a descriptor, the event loop closes a new connection by itself: neither Node nor the client is told why.
 */
export function watchDescriptors({
  log,
  everyMs = 5000,
  limit = descriptorLimit(),
  used = openDescriptors,
  now = () => performance.now(),
}: {
  log: Pick<Log, 'warn'>
  everyMs?: number
  limit?: number | undefined
  used?: () => number
  now?: () => number
}): () => void {
  if (limit === undefined) return () => {}
  let quietUntil = 0
  const timer = setInterval(() => {
    const count = used()
    if (count < limit - minFree || now() < quietUntil) return
    quietUntil = now() + quietMs
    log.warn(
      { open: count, limit },
      'out of file descriptors: connections are closed unanswered; raise the limit (ulimit -n)',
    )
  }, everyMs).unref()
  return () => clearInterval(timer)
}

/** Kernels before 6.2 report a size of 0. Listing the folder takes a descriptor, so that it fails without any. */
function openDescriptors(): number {
  try {
    return statSync(folder).size || readdirSync(folder).length
  } catch {
    return Infinity
  }
}

/** Undefined where the system does not tell. */
function descriptorLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined // Not Linux.
  }
}
