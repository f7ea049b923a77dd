import { Client, type ClientConfig } from 'pg'
import { createBackoff } from '../../flow/backoff.ts'
import type { Log } from '../../log.ts'

/**
 * Calls `poke` whenever another replica says that it wrote something, on a connection of its own. One that breaks is
 * made again, and pokes, for something may have been missed; the poll goes on all the while.
 */
export function listenForChanges({
  options,
  writer,
  poke,
  log,
}: {
  options: ClientConfig
  writer: string
  poke: () => void
  log: Log
}): () => void {
  const backoff = createBackoff({ firstMs: 500, maxMs: 30_000 })
  let client: Client | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function connect(): Promise<void> {
    const made = new Client(options)
    client = made
    made.on('notification', ({ payload }) => {
      if (payload !== writer) poke()
    })
    made.on('error', () => lost(made))
    made.on('end', () => lost(made))
    try {
      await made.connect()
      await made.query('LISTEN roster')
      backoff.reset()
      poke()
    } catch (error) {
      log.debug(
        { reason: error instanceof Error ? error.message : String(error) },
        'cannot listen to the database, polling',
      )
      lost(made)
    }
  }

  function lost(broken: Client): void {
    if (client !== broken) return
    client = undefined
    void broken.end().catch(() => {})
    if (stopped) return
    timer = setTimeout(() => void connect(), backoff.next())
    timer.unref()
  }

  function stop(): void {
    stopped = true
    clearTimeout(timer)
    const open = client
    client = undefined
    void open?.end().catch(() => {})
  }

  void connect()
  return stop
}
