import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A server as a watcher receives it. */
export type Seen = { readonly name: string; readonly version?: string; readonly description?: string }
export type Event = { readonly type: string; readonly server?: Seen; readonly at: number }

/** Follows `/servers/watch` as a browser does: resumes with the last id after the server's retry pause. */
export function watchServers(
  url: string,
  { onEvent, path = '/servers/watch' }: { onEvent: (event: Event) => void; path?: string },
) {
  const stop = new AbortController()
  let id = ''
  let retry = 1000
  let connected = 0

  function once(): Promise<void> {
    return new Promise((resolve) => {
      const asked = httpRequest(
        url + path,
        { headers: id === '' ? {} : { 'last-event-id': id }, agent: false },
        (response) => {
          if (response.statusCode === 200) connected += 1
          let rest = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            const blocks = (rest + chunk).split('\n\n')
            rest = blocks.pop() ?? ''
            for (const block of blocks) take(block)
          })
          response.on('close', resolve)
          response.on('error', () => resolve())
        },
      )
      asked.on('error', () => resolve())
      stop.signal.addEventListener('abort', () => asked.destroy())
      asked.end()
    })
  }

  function take(block: string): void {
    let type = 'message'
    let data = ''
    for (const line of block.split('\n')) {
      if (line.startsWith('id: ')) id = line.slice(4)
      else if (line.startsWith('event: ')) type = line.slice(7)
      else if (line.startsWith('retry: ')) retry = Number(line.slice(7))
      else if (line.startsWith('data: ')) data = line.slice(6)
    }
    if (data !== '') onEvent({ type, ...(JSON.parse(data) as { server?: Seen }), at: performance.now() })
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      await once()
      await pause(retry * Math.random(), undefined, { signal: stop.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    connections: () => connected,
    close: async () => (stop.abort(), await running),
  }
}

/** A watcher that stops reading after its request. */
export async function stall(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined) // The daemon must cut it.
  socket.write('GET /servers/watch HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await new Promise((resolve) => void socket.once('data', resolve).once('close', resolve))
  socket.pause()
  return socket
}
