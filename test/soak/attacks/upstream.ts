import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Attack, type Target, writeRepeatedly } from './attack.ts'

type Answer = (path: string, socket: Socket) => Promise<void>

/** A remote host on loopback that answers each connection once, as it likes. */
async function openHost(answer: Answer) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // The daemon may cut it.
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', (head: Buffer) => void answer(head.toString().split(' ')[1] ?? '', socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Configures sources of a hostile host while the attack lasts. */
async function attackFrom(
  { addSources }: Target,
  over: AbortSignal,
  { answer, sourcesOf }: { answer: Answer; sourcesOf: (url: string) => readonly object[] },
): Promise<void> {
  await using host = await openHost(answer)
  const sources = await addSources(...sourcesOf(host.url))
  if (!over.aborted) await new Promise((resolve) => over.addEventListener('abort', resolve))
  await sources[Symbol.asyncDispose]()
}

const head = (type: string) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`
const tinyChunks = '1\r\n \r\n'.repeat(10_000)
const chunkOf = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const directories: Attack = {
  name: 'directories',
  what: 'three HTTP directories answer in chunks of one byte',
  run: (target, over) =>
    attackFrom(target, over, {
      async answer(_path, socket) {
        socket.write(head('application/json'))
        await writeRepeatedly(socket, tinyChunks)
      },
      sourcesOf: (url) =>
        [1, 2, 3].map((n) => ({ type: 'http', name: `hostile-${n}`, url: `${url}/${n}`, interval: '1s' })),
    }),
}

/** A roster whose watch sends a piece for ever. */
const rosterSending = (name: string, what: string, piece: string): Attack => ({
  name,
  what,
  run: (target, over) =>
    attackFrom(target, over, {
      async answer(path, socket) {
        if (path.startsWith('/servers')) {
          socket.write(head('application/x-ndjson'))
          return writeRepeatedly(socket, piece)
        }
        const ready = JSON.stringify({ ready: true, instance_id: 'hostile', sources: [] })
        socket.end(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${ready.length}\r\n\r\n${ready}`,
        )
      },
      sourcesOf: (url) => [{ type: 'roster', name: `hostile-${name}`, url }],
    }),
})

const event = {
  type: 'ADDED',
  server: { id: 'default/same', name: 'same', namespace: 'default', command: 'x', description: 'x'.repeat(60_000) },
}

/** What remote hosts can do with their answers. */
export const upstreamAttacks: readonly Attack[] = [
  directories,
  rosterSending('line', 'the watch of a roster sends a line without end in chunks of one byte', tinyChunks),
  rosterSending(
    'revision',
    'the watch of a roster sends events without end, none with a token',
    chunkOf(`{"type":"BOOKMARK","token":"e-1"}\n`).concat(chunkOf(`${JSON.stringify(event)}\n`).repeat(1000)),
  ),
]
