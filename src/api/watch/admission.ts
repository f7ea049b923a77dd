import { createClientAddress } from '../http/access/client-address.ts'
import type { Bindings } from '../http/context.ts'
import { type Caller, createWatcherQuota } from './watcher-quota.ts'

const ignore = () => {}

type Request = Pick<Bindings, 'incoming' | 'outgoing' | 'principal'>

/** Admits requests that stay open, within the limits of all, of their token and of their address. */
export function createAdmission({
  trustedProxies,
  ...options
}: Parameters<typeof createWatcherQuota>[0] & {
  /** Networks of the proxies that name their clients: see `createClientAddress`. */
  readonly trustedProxies: () => readonly string[]
}) {
  const quota = createWatcherQuota(options)
  let proxies = trustedProxies()
  let addressOf = createClientAddress(proxies)

  function callerOf({ principal: { name }, incoming }: Request): Caller {
    if (proxies !== trustedProxies()) {
      proxies = trustedProxies()
      addressOf = createClientAddress(proxies)
    }
    return { name, address: addressOf(incoming) }
  }

  /** Throws the problem of a request beyond the limits. */
  function assertFree(request: Request): void {
    const refusal = quota.refusal(callerOf(request))
    if (refusal) throw refusal
  }

  /** Counts a request until its response closes, and calls `onClose` then. The listener retains nothing else. */
  function count(request: Request, onClose: () => void = ignore): void {
    const caller = callerOf(request)
    quota.add(caller)
    // Without a listener, a write to a client that has just left would be an uncaught error.
    request.outgoing.on('error', ignore)
    request.outgoing.once('close', () => {
      quota.remove(caller)
      onClose()
    })
  }

  return { assertFree, count, total: quota.total, close: quota.close }
}
