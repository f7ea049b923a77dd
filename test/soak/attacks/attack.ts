import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** The daemon under attack. */
export type Target = {
  readonly url: string
  readonly port: number
  /** Adds sources to the daemon's config until disposed. */
  readonly addSources: (...sources: readonly object[]) => Promise<AsyncDisposable>
}

/** One thing that a client or a remote host can do to exhaust the daemon. */
export type Attack = {
  readonly name: string
  readonly what: string
  /** Attacks as hard as it can until `over` aborts, and leaves no connection behind. */
  readonly run: (target: Target, over: AbortSignal) => Promise<void>
}

/** Runs `attack` on `count` connections at once, each opened again after the daemon has closed it. */
export async function onConnections(
  { port }: Target,
  over: AbortSignal,
  count: number,
  attack: (socket: Socket, index: number) => Promise<void>,
): Promise<void> {
  async function keepAttacking(index: number): Promise<void> {
    while (!over.aborted) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {}) // The daemon may cut it.
      const closed = new Promise((resolve) => void socket.once('close', resolve))
      const end = () => socket.destroy()
      over.addEventListener('abort', end)
      await attack(socket, index)
      await closed
      over.removeEventListener('abort', end)
      await pause(20)
    }
  }
  await Promise.all(Array.from({ length: count }, (_, index) => keepAttacking(index)))
}

/** Writes a piece again and again, as fast as the other side reads it, until the connection ends or `times` is reached. */
export async function writeRepeatedly(socket: Socket, piece: string | Buffer, times = Infinity): Promise<void> {
  const closed = new Promise((resolve) => void socket.once('close', resolve))
  for (let written = 0; written < times && socket.writable; written += 1) {
    if (socket.write(piece)) continue
    await Promise.race([new Promise((resolve) => void socket.once('drain', resolve)), closed])
  }
}

/** The bytes of a POST request. */
export function post(path: string, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = {
    host: 'localhost',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}
