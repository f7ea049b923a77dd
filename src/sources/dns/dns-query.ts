import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Packet } from 'dns2'
import { SourceError } from '../../model/source.ts'
import type { Nameserver } from './resolver-config.ts'

export type RecordType = 'SRV' | 'TXT' | 'A' | 'AAAA'
export type DnsQuestion = { readonly name: string; readonly type: RecordType }

/** Maximum size of a UDP answer that is never fragmented, in bytes (DNS flag day 2020). */
const maxUdpBytes = 1232

/** Maximum length of a chain of compression pointers. A longer one only keeps the parser busy. */
const maxPointerChain = 16

/**
 * Queries one nameserver: over UDP, and over TCP if the answer is too long for UDP.
 *
 * Returns a complete, well-formed answer to the question, whatever its response code. Otherwise rejects with a
 * `SourceError`, within `timeoutMs` for each of the two protocols.
 */
export async function queryNameserver(
  server: Nameserver,
  question: DnsQuestion,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Packet> {
  const { Packet } = await import('dns2')
  const limits = { timeoutMs, signal }

  function createQuery(withEdns: boolean): Packet {
    const packet = new Packet()
    packet.header.id = Packet.uuid()
    packet.header.rd = 1
    packet.questions.push(new Packet.Question(question.name, Packet.TYPE[question.type], Packet.CLASS.IN))
    if (withEdns)
      packet.additionals.push(new Packet.Resource(Packet.Resource.EDNS([], { udpPayloadSize: maxUdpBytes })))
    return packet
  }

  function parseAnswer(message: Buffer): Packet {
    if (hasPointerChain(message)) throw malformedError()
    let packet: Packet
    try {
      packet = Packet.parse(message)
    } catch {
      throw malformedError()
    }
    // Skipping a broken record would make the answer a shorter list.
    const isBroken = packet.errors.some(({ section }) => section === 'questions' || section === 'answers')
    if (isBroken && !packet.header.tc) throw malformedError()
    return packet
  }

  async function exchange(withEdns: boolean): Promise<Packet> {
    const query = createQuery(withEdns)
    const isAnswer = (message: Buffer) => answers(message, query)
    const udpAnswer = parseAnswer(await exchangeUdp(server, query.toBuffer(), { ...limits, isAnswer }))
    if (!udpAnswer.header.tc) return udpAnswer
    const message = await exchangeTcp(server, query.toBuffer(), limits)
    if (!isAnswer(message)) throw new SourceError('answered another question over TCP')
    const tcpAnswer = parseAnswer(message)
    if (tcpAnswer.header.tc) throw new SourceError('truncated its answer even over TCP', { class: 'partial' })
    return tcpAnswer
  }

  /** Whether a message answers the query. A server that rejects the query's format may leave the question out. */
  function answers(message: Buffer, query: Packet): boolean {
    if (message.length < Packet.HEADER_SIZE || message.readUInt16BE(0) !== query.header.id) return false
    if ((message.readUInt8(2) & 0x80) === 0) return false
    if (message.readUInt16BE(4) === 0) return (message.readUInt8(3) & 0xf) === Packet.RCODE.FORMERR
    const echoed = questionIn(message)
    return echoed?.name.toLowerCase() === question.name.toLowerCase() && echoed.type === Packet.TYPE[question.type]
  }

  function questionIn(message: Buffer) {
    try {
      return Packet.Question.parse(new Packet.Reader(message, Packet.HEADER_SIZE * 8))
    } catch {
      return undefined // A malformed question is not ours.
    }
  }

  const { FORMERR, NOTIMP, BADVERS } = Packet.RCODE
  const answer = await exchange(true)
  // Old servers do not know EDNS, the extension for longer answers.
  const lacksEdns = [FORMERR, NOTIMP, BADVERS].some((code) => code === answer.header.rcode)
  return lacksEdns ? await exchange(false) : answer
}

type ExchangeLimits = { readonly timeoutMs: number; readonly signal: AbortSignal }

/** Sends one datagram from a port of its own, and returns the first answer to the query; ignores other datagrams. */
async function exchangeUdp(
  { address, port }: Nameserver,
  message: Buffer,
  { timeoutMs, signal, isAnswer }: ExchangeLimits & { isAnswer: (message: Buffer) => boolean },
): Promise<Buffer> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  try {
    return await withDeadline({ timeoutMs, signal }, (resolve, reject) => {
      socket.on('error', (cause) => reject(unreachableError(cause)))
      socket.on('message', (message) => isAnswer(message) && resolve(message))
      // For a connected socket the system drops datagrams of other hosts, and reports a closed port.
      socket.connect(port, address, (cause?: Error) => {
        if (cause) reject(unreachableError(cause))
        else socket.send(message, (failure) => failure && reject(unreachableError(failure)))
      })
    })
  } finally {
    socket.close()
  }
}

async function exchangeTcp({ address, port }: Nameserver, message: Buffer, limits: ExchangeLimits): Promise<Buffer> {
  const { Packet } = await import('dns2')
  const socket = connect({ host: address, port })
  try {
    return await withDeadline(limits, (resolve, reject) => {
      socket.on('error', (cause) => reject(unreachableError(cause)))
      socket.on('close', () => reject(new SourceError('closed the connection without an answer', { class: 'partial' })))
      socket.write(Buffer.concat([lengthPrefix(message), message]))
      Packet.readStream(socket).then(resolve, () => reject(malformedError()))
    })
  } catch (cause) {
    throw new SourceError(`truncated its answer, and over TCP ${(cause as Error).message}`, {
      class: 'partial',
      cause,
    })
  } finally {
    socket.destroy()
  }
}

function lengthPrefix(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return length
}

async function withDeadline<T>(
  { timeoutMs, signal }: ExchangeLimits,
  work: (resolve: (value: T) => void, reject: (error: SourceError) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onTimeout = () => reject(new SourceError(`did not answer within ${timeoutMs / 1000} s`))
  const timer = setTimeout(onTimeout, timeoutMs)
  signal.addEventListener('abort', onTimeout, { once: true })
  try {
    if (signal.aborted) onTimeout()
    else work(resolve, reject)
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onTimeout)
  }
}

/**
 * Whether compression pointers of a message form a longer chain than any real encoder makes.
 *
 * The parser rejects loops, but follows a chain of thousands of pointers for every record.
 */
function hasPointerChain(message: Buffer): boolean {
  const isPointer = (offset: number) => offset + 1 < message.length && (message[offset] ?? 0) >= 0xc0
  for (let start = 0; start < message.length; start++) {
    let offset = start
    for (let length = 0; isPointer(offset); length++) {
      if (length === maxPointerChain) return true
      offset = message.readUInt16BE(offset) & 0x3fff
    }
  }
  return false
}

function malformedError(): SourceError {
  return new SourceError('answered a malformed message')
}

function unreachableError(cause: Error): SourceError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException
  return new SourceError(code === 'ECONNREFUSED' ? 'refused the connection' : `is unreachable (${code})`, { cause })
}
