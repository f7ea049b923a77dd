import { type Attack, onConnections, post, writeRepeatedly } from './attack.ts'

const bodies: Attack = {
  name: 'bodies',
  what: '10 connections send bodies of 1 MB in chunks of one byte',
  run: (target, over) =>
    onConnections(target, over, 10, async (socket, index) => {
      const path = ['/mcp', '/agents', '/heartbeat'][index % 3]
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
      )
      await writeRepeatedly(socket, '1\r\n \r\n'.repeat(10_000), 100)
    }),
}

const heldBodies: Attack = {
  name: 'held',
  what: '500 connections send all of a body of 1 MB but its last byte, and wait',
  run: (target, over) =>
    onConnections(target, over, 500, async (socket) => {
      socket.write(
        'POST /agents HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000001\r\n\r\n',
      )
      socket.write(Buffer.alloc(1_000_000, ' '))
    }),
}

const pipelined: Attack = {
  name: 'pipelined',
  what: '1,000 requests for the full list in one write on each of 4 connections, unread',
  run: (target, over) =>
    onConnections(target, over, 4, async (socket) => {
      socket.pause()
      socket.write('GET /servers?view=full HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(1000))
    }),
}

const places: Attack = {
  name: 'places',
  what: '15,000 watches on one connection',
  run: (target, over) =>
    onConnections(target, over, 1, async (socket) => {
      socket.pause()
      socket.write('GET /servers/watch HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(15_000))
    }),
}

const selectors: Attack = {
  name: 'selectors',
  what: '500 watches, each of another selector that all servers match, unread',
  async run(target, over) {
    let count = 0
    await onConnections(target, over, 500, async (socket) => {
      socket.pause()
      count += 1
      socket.write(`GET /servers/watch?label_selector=!x${count} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
    })
  },
}

const call = {
  jsonrpc: '2.0',
  method: 'tools/call',
  params: { name: 'list_servers', arguments: { view: 'full', limit: 1000 } },
}

const batches: Attack = {
  name: 'batches',
  what: '6 connections send batches of 20 and of 100 MCP tool calls, unread',
  run: (target, over) =>
    onConnections(target, over, 6, async (socket) => {
      socket.pause()
      for (const length of [20, 100]) {
        const batch = Array.from({ length }, (_, id) => ({ ...call, id }))
        socket.write(post('/mcp', JSON.stringify(batch)))
      }
    }),
}

const revision = '2026-07-28'
const envelope = {
  'io.modelcontextprotocol/protocolVersion': revision,
  'io.modelcontextprotocol/clientInfo': { name: 'attacker', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const uri = 'roster://servers/default/moving'

const subscriptions: Attack = {
  name: 'listen',
  what: '20 MCP subscriptions with an id of 200 kB, unread, while a server changes',
  async run(target, over) {
    const subscribing = onConnections(target, over, 20, async (socket) => {
      socket.pause()
      const params = { notifications: { resourceSubscriptions: [uri] }, _meta: envelope }
      const body = { jsonrpc: '2.0', id: 'x'.repeat(200_000), method: 'subscriptions/listen', params }
      const headers = { 'mcp-protocol-version': revision, 'mcp-method': 'subscriptions/listen' }
      socket.write(post('/mcp', JSON.stringify(body), headers))
    })
    for (let version = 0; !over.aborted; version += 1) {
      const server = { command: 'x', version: String(version) }
      await fetch(`${target.url}/servers/default/moving`, { method: 'PUT', body: JSON.stringify(server) })
    }
    await fetch(`${target.url}/servers/default/moving`, { method: 'DELETE' })
    await subscribing
  },
}

/** What clients can do with their requests. */
export const requestAttacks: readonly Attack[] = [
  bodies,
  heldBodies,
  pipelined,
  places,
  selectors,
  batches,
  subscriptions,
]
