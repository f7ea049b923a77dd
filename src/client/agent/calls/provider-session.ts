import type * as Mcp from '@modelcontextprotocol/client'
import { answeringFetch } from './answering-fetch.ts'

type Client = InstanceType<(typeof Mcp)['Client']>

/** Maximum duration of the first exchange with a provider, in ms. */
const maxOpenMs = 10_000

/** The URL at which a provider serves MCP. */
function mcpUrl(endpoint: string): URL {
  const url = new URL(endpoint)
  if (!/\/mcp\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/+$/, '')}/mcp`
  return url
}

async function openClient(endpoint: string, name: string): Promise<Client> {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
  let opening: AbortController | undefined = new AbortController()
  const timer = setTimeout(() => opening?.abort(new DOMException('no answer', 'TimeoutError')), maxOpenMs)
  const client = new Client({ name, version: '1' }, { versionNegotiation: { mode: 'auto' } })
  try {
    // The library ignores a signal while it negotiates; its `fetch` does not.
    const transport = new StreamableHTTPClientTransport(mcpUrl(endpoint), {
      fetch: answeringFetch(() => opening?.signal),
    })
    await client.connect(transport, { timeout: maxOpenMs })
    return client
  } finally {
    clearTimeout(timer)
    opening = undefined
  }
}

export type ProviderSession = ReturnType<typeof openSession>

/** A connection to one provider; `onClose` is called where it closes or does not open. Retired, it closes once the calls that are under way have ended. */
export function openSession(endpoint: string, name: string, onClose: () => void) {
  const client = openClient(endpoint, name)
  client.catch(onClose)
  let calls = 0
  let isRetired = false

  function close(): void {
    onClose()
    void client.then((one) => one.close()).catch(() => undefined) // it never opened, or is closed
  }

  async function use<T>(call: (client: Client) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    calls += 1
    try {
      return await call(await withSignal(client, signal))
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

/** Stops waiting when the signal aborts. */
async function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  signal.throwIfAborted()
  let stop = (): void => undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
