import { Client, type ClientConfig } from 'pg'
import { createBackoff } from '../../flow/backoff.ts'
import type { Log } from '../../log.ts'

/**
 * Calls `wake` whenever another replica notifies of a write, on a connection of its own. After the connection breaks it
 * reconnects and calls `wake`, since it may have missed a notification. Polling continues all the time.
 */
export function listenForNotifications({
  options,
  writer,
  wake,
  log,
}: {
  options: ClientConfig
  writer: string
  wake: () => void
  log: Log
}): () => void {
  const backoff = createBackoff({ firstMs: 500, maxMs: 30_000 })
  let current: Client | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function connect(): Promise<void> {
    const client = new Client(options)
    current = client
    client.on('notification', ({ payload }) => {
      if (payload !== writer) wake()
    })
    client.on('error', () => reconnect(client))
    client.on('end', () => reconnect(client))
    try {
      await client.connect()
      await client.query('LISTEN roster')
      backoff.reset()
      wake()
    } catch (error) {
      log.debug(
        { reason: error instanceof Error ? error.message : String(error) },
        'database notifications unavailable; polling continues',
      )
      reconnect(client)
    }
  }

  function reconnect(broken: Client): void {
    if (current !== broken) return
    current = undefined
    void broken.end().catch(() => {})
    if (stopped) return
    timer = setTimeout(() => void connect(), backoff.next())
    timer.unref()
  }

  function stop(): void {
    stopped = true
    clearTimeout(timer)
    const open = current
    current = undefined
    void open?.end().catch(() => {})
  }

  void connect()
  return stop
}
