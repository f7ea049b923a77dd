import type * as Mcp from '@modelcontextprotocol/client'
import { importClientSdk } from '../../peer-packages.ts'
import { answeringFetch } from './answering-fetch.ts'
import { UnopenedError } from './call-failure.ts'

type Client = InstanceType<(typeof Mcp)['Client']>

/** Maximum duration of the first exchange with a provider, in ms. */
const maxOpenMs = 10_000

/** The URL at which a provider serves MCP. */
function mcpUrl(endpoint: string): URL {
  const url = new URL(endpoint)
  if (!/\/mcp\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/(?<!\/)\/+$/, '')}/mcp`
  return url
}

/** Opens a connection within a limit of its own: several calls may wait for it. `opening` ends the attempt. */
async function openClient(endpoint: string, name: string, opening: AbortController): Promise<Client> {
  const { Client, StreamableHTTPClientTransport } = await importClientSdk()
  const timer = setTimeout(() => opening.abort(new DOMException('no answer', 'TimeoutError')), maxOpenMs)
  const client = new Client({ name, version: '1' }, { versionNegotiation: { mode: 'auto' } })
  let isOpen = false
  try {
    // The library ignores a signal while it negotiates; its `fetch` does not.
    const fetch = answeringFetch(() => (isOpen ? undefined : opening.signal))
    await client.connect(new StreamableHTTPClientTransport(mcpUrl(endpoint), { fetch }), { timeout: maxOpenMs })
    isOpen = true
    return client
  } finally {
    clearTimeout(timer)
  }
}

export type ProviderSession = ReturnType<typeof openSession>

/** A connection to one provider; `onClose` is called where it closes or does not open. Retired, it closes once the calls that are under way have ended. */
export function openSession(endpoint: string, name: string, onClose: () => void) {
  const opening = new AbortController()
  const client = openClient(endpoint, name, opening)
  client.catch(onClose)
  let calls = 0
  let isRetired = false

  function close(): void {
    onClose()
    opening.abort()
    void client.then((one) => one.close()).catch(() => undefined) // it never opened, or is closed
  }

  /** Calls with the connection once it is open. @throws {UnopenedError} It does not open, or not in time: nothing was called. */
  async function use<T>(
    call: (client: Client) => Promise<T>,
    { signal, timeoutMs }: { signal?: AbortSignal | undefined; timeoutMs: number },
  ): Promise<T> {
    calls += 1
    try {
      return await call(await within(client, signal, timeoutMs))
    } finally {
      calls -= 1
      if (isRetired && calls === 0) close()
    }
  }

  function retire(): void {
    if (!isRetired && calls === 0) close()
    isRetired = true
  }

  return { use, retire, close }
}

/** Stops waiting when the signal aborts, or after `ms`. */
async function within(client: Promise<Client>, signal: AbortSignal | undefined, ms: number): Promise<Client> {
  const { promise: stopped, stop } = createStop()
  const timer = setTimeout(() => stop(new Error('no answer in time')), ms)
  const abort = () => stop(signal?.reason)
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  try {
    return await Promise.race([client, stopped])
  } catch (error) {
    throw new UnopenedError('the connection did not open', { cause: error })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** A promise that `stop` rejects. */
function createStop() {
  let stop = (_reason: unknown): void => undefined
  const promise = new Promise<never>((_resolve, reject) => (stop = reject))
  return { promise, stop }
}
