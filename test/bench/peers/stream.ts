/** A bare stream of server-sent events: writes every posted body to all readers. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const readers = new Set<ServerResponse>()

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write('event: BOOKMARK\ndata: {}\n\n')
    readers.add(response)
    response.once('close', () => readers.delete(response))
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => void chunks.push(chunk))
  request.on('end', () => {
    const event = Buffer.concat([Buffer.from('event: MODIFIED\ndata: '), ...chunks, Buffer.from('\n\n')])
    for (const reader of readers) reader.write(event)
    response.end('{}')
  })
})
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
)
process.on('SIGTERM', () => process.exit(0))
