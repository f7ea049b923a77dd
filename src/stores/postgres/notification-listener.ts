import { Socket } from 'node:net'
import { Client, type ClientConfig } from 'pg'
import { createBackoff } from '../../flow/backoff.ts'
import type { Log } from '../../log.ts'
import type { WakeFollowers } from '../driver.ts'

/** How long a notice of an own write may take, in ms. */
const defaultMaxSilenceMs = 10_000

/**
 * Calls `wake` whenever another replica notifies of a write, on a connection of its own. After the connection breaks it
 * reconnects and calls `wake`, since it may have missed a notification. Polling continues all the time.
 *
 * A connection that the network lost looks like one on which nothing happens. It proves itself by the notices of own writes:
 * `expectNotice` must be called after each.
 */
export function listenForNotifications({
  options,
  writer,
  wake,
  log,
  maxSilenceMs = defaultMaxSilenceMs,
}: {
  options: ClientConfig
  writer: string
  wake: WakeFollowers
  log: Log
  maxSilenceMs?: number
}) {
  const backoff = createBackoff({ firstMs: 500, maxMs: 30_000 })
  let current: Client | undefined
  let timer: NodeJS.Timeout | undefined
  let socket: Socket | undefined
  let silence: NodeJS.Timeout | undefined
  let isListening = false
  let stopped = false

  async function connect(): Promise<void> {
    const client = new Client({ ...options, stream: () => (socket = new Socket()) })
    current = client
    client.on('notification', ({ payload }) => {
      clearTimeout(silence)
      silence = undefined
      const [from, written] = payload?.split(' ') ?? []
      if (from !== writer) wake(written === 'verdicts' ? written : 'changes')
    })
    client.on('error', () => reconnect(client))
    client.on('end', () => reconnect(client))
    try {
      await client.connect()
      await client.query('LISTEN roster')
      isListening = true
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
    release()
    if (stopped) return
    timer = setTimeout(() => void connect(), backoff.next())
    timer.unref()
  }

  function release(): void {
    const open = current
    current = undefined
    isListening = false
    clearTimeout(silence)
    silence = undefined
    void open?.end().catch(() => {})
  }

  /** Must be called after each own write that notifies: its notice must come back. */
  function expectNotice(): void {
    const client = current
    if (!isListening || !client || silence !== undefined) return
    silence = setTimeout(() => {
      log.warn({ seconds: maxSilenceMs / 1000 }, 'database notifications did not arrive; connecting again')
      // Without its other end, it would be closed after a quarter of an hour.
      socket?.destroy()
      reconnect(client)
    }, maxSilenceMs)
    silence.unref()
  }

  function stop(): void {
    stopped = true
    clearTimeout(timer)
    release()
  }

  void connect()
  return { stop, expectNotice }
}
