import { Resolver } from 'node:dns/promises'

/** How long a name server may take, in ms. */
const timeoutMs = 1000

/** Codes of the resolver for a question that no name server answered. */
const unanswered = new Set(['ETIMEOUT', 'ECONNREFUSED'])

/**
 * Whether a name server of this machine answers a question about a name; that there is none is an answer too.
 *
 * Unlike `dns.lookup`, this waits on a socket and not on one of the few threads. Each burst of questions reads the configured name
 * servers again: a laptop changes its network.
 */
export function createNameServerCheck({ servers }: { servers?: readonly string[] } = {}) {
  let resolver: Resolver | undefined
  let questions = 0

  return async (hostname: string): Promise<boolean> => {
    resolver ??= openResolver()
    questions += 1
    try {
      await resolver.resolve4(hostname)
      return true
    } catch (error) {
      return !unanswered.has((error as NodeJS.ErrnoException).code ?? '')
    } finally {
      questions -= 1
      if (questions === 0) resolver = undefined
    }
  }

  function openResolver(): Resolver {
    const opened = new Resolver({ timeout: timeoutMs, tries: 1 })
    if (servers) opened.setServers(servers)
    return opened
  }
}
