import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Packet } from 'dns2'

export type Question = {
  readonly name: string
  readonly type: number
  readonly via: 'udp' | 'tcp'
  readonly edns: boolean
}

/** What the server answers: records, a response code, raw bytes instead of a message, or nothing. */
export type Reply =
  | {
      readonly answers?: readonly object[]
      readonly authorities?: readonly object[]
      readonly additionals?: readonly object[]
      readonly header?: Readonly<Record<string, number>>
      readonly raw?: (message: Buffer) => Buffer
    }
  | 'silence'

const { TYPE, CLASS } = Packet

export const srv = (name: string, target: string, port = 8080, { priority = 0, weight = 0, ttl = 60 } = {}) => {
  return { name, type: TYPE.SRV, class: CLASS.IN, ttl, priority, weight, port, target }
}
export const txt = (name: string, ...data: readonly string[]) => {
  return { name, type: TYPE.TXT, class: CLASS.IN, ttl: 60, data }
}
export const address = (name: string, address: string) => {
  return { name, type: address.includes(':') ? TYPE.AAAA : TYPE.A, class: CLASS.IN, ttl: 60, address }
}
export const alias = (name: string, domain: string) => ({ name, type: TYPE.CNAME, class: CLASS.IN, ttl: 60, domain })

export const soa = (name: string, minimum = 60) => {
  const times = { serial: 1, refresh: 60, retry: 60, expiration: 60, minimum }
  return {
    name,
    type: TYPE.SOA,
    class: CLASS.IN,
    ttl: minimum,
    primary: `ns.${name}`,
    admin: `admin.${name}`,
    ...times,
  }
}

export const nxdomain: Reply = { header: { rcode: 3 } }

/** A nameserver on loopback, with UDP and TCP on one port. It sends whatever `answer` returns, right or wrong. */
export async function startNameserver(answer: (question: Question) => Reply, host = '127.0.0.1') {
  const questions: Question[] = []
  const sockets = new Set<Socket>()

  function replyTo(message: Buffer, via: 'udp' | 'tcp'): Buffer | undefined {
    const query = Packet.parse(message)
    const [{ name, type } = { name: '', type: 0 }] = query.questions
    const question = { name, type, via, edns: query.additionals.length > 0 }
    questions.push(question)
    const reply = answer(question)
    if (reply === 'silence') return undefined
    const response = Packet.createResponseFromRequest(query)
    response.header.ra = 1
    Object.assign(response.header, reply.header)
    for (const section of ['answers', 'authorities', 'additionals'] as const) {
      for (const record of reply[section] ?? []) response[section].push(new Packet.Resource(record))
    }
    const bytes = response.toBuffer()
    return reply.raw ? reply.raw(bytes) : bytes
  }

  const tcp = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    void serve(socket)
  })

  async function serve(socket: Socket): Promise<void> {
    const message = await Packet.readStream(socket).catch(() => undefined)
    const bytes = message && replyTo(message, 'tcp')
    if (!bytes) return
    const length = Buffer.alloc(2)
    length.writeUInt16BE(bytes.length)
    socket.end(Buffer.concat([length, bytes]))
  }

  tcp.listen(0, host)
  await once(tcp, 'listening')
  const { port } = tcp.address() as { port: number }
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  udp.on('message', (message, { port, address }) => {
    const bytes = replyTo(message, 'udp')
    if (bytes) udp.send(bytes, port, address)
  })
  udp.bind(port, host)
  await once(udp, 'listening')

  function close(): void {
    udp.close()
    tcp.close()
    for (const socket of sockets) socket.destroy()
  }

  return {
    address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    questions,
    close,
    [Symbol.dispose]: close,
  }
}
