import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Packet } from 'dns2'
import { SourceError } from '../../model/source.ts'
import type { Nameserver } from './resolver-config.ts'

export type RecordType = 'SRV' | 'TXT' | 'A' | 'AAAA'
export type DnsQuestion = { readonly name: string; readonly type: RecordType }

/** The largest UDP answer that is sure not to be cut into pieces on its way (DNS flag day 2020). */
const payload = 1232

/** A chain of compression pointers longer than this serves no answer, only to keep the reader busy. */
const longestChain = 16

/**
 * Asks one nameserver one question: over UDP, and over TCP where the answer was too long for UDP.
 *
 * Answers with a whole, well-formed message that belongs to the question, whatever its response code; rejects with a
 * `SourceError` otherwise, within `timeoutMs` for each of the two.
 */
export async function queryNameserver(
  server: Nameserver,
  question: DnsQuestion,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Packet> {
  const { Packet } = await import('dns2')
  const limits = { timeoutMs, signal }

  function query(withEdns: boolean): Packet {
    const packet = new Packet()
    packet.header.id = Packet.uuid()
    packet.header.rd = 1
    packet.questions.push(new Packet.Question(question.name, Packet.TYPE[question.type], Packet.CLASS.IN))
    if (withEdns) packet.additionals.push(new Packet.Resource(Packet.Resource.EDNS([], { udpPayloadSize: payload })))
    return packet
  }

  function readAnswer(message: Buffer): Packet {
    if (pointsInChains(message)) throw malformed()
    let packet: Packet
    try {
      packet = Packet.parse(message)
    } catch {
      throw malformed()
    }
    // A record that cannot be read must not make the answer a shorter list.
    const isBroken = packet.errors.some(({ section }) => section === 'questions' || section === 'answers')
    if (isBroken && !packet.header.tc) throw malformed()
    return packet
  }

  async function exchange(withEdns: boolean): Promise<Packet> {
    const asked = query(withEdns)
    const isOurs = (message: Buffer) => belongsTo(message, asked)
    const answer = readAnswer(await overUdp(server, asked.toBuffer(), { ...limits, isOurs }))
    if (!answer.header.tc) return answer
    const whole = await overTcp(server, asked.toBuffer(), limits)
    if (!isOurs(whole)) throw new SourceError('answers another question over TCP')
    const long = readAnswer(whole)
    if (long.header.tc) throw new SourceError('cuts its answer short even over TCP', { class: 'partial' })
    return long
  }

  function belongsTo(message: Buffer, asked: Packet): boolean {
    if (message.length < Packet.HEADER_SIZE || message.readUInt16BE(0) !== asked.header.id) return false
    if ((message.readUInt8(2) & 0x80) === 0) return false
    if (message.readUInt16BE(4) === 0) return (message.readUInt8(3) & 0xf) === Packet.RCODE.FORMERR
    const [echoed] = questionsIn(message)
    return echoed?.name.toLowerCase() === question.name.toLowerCase() && echoed.type === Packet.TYPE[question.type]
  }

  function questionsIn(message: Buffer) {
    try {
      const reader = new Packet.Reader(message, Packet.HEADER_SIZE * 8)
      return [Packet.Question.parse(reader)]
    } catch {
      return [] // then it is not ours
    }
  }

  const { FORMERR, NOTIMP, BADVERS } = Packet.RCODE
  const answer = await exchange(true)
  // Old servers do not know the extension that allows longer answers; they are asked the old way.
  const isOld = [FORMERR, NOTIMP, BADVERS].some((code) => code === answer.header.rcode)
  return isOld ? await exchange(false) : answer
}

type Limits = { readonly timeoutMs: number; readonly signal: AbortSignal }

/** Sends one datagram from a port of its own and takes the first that is ours; whatever else arrives is not for us. */
async function overUdp(
  { address, port }: Nameserver,
  message: Buffer,
  { timeoutMs, signal, isOurs }: Limits & { isOurs: (message: Buffer) => boolean },
): Promise<Buffer> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  try {
    return await withDeadline({ timeoutMs, signal }, (resolve, reject) => {
      socket.on('error', (cause) => reject(unreachable(cause)))
      socket.on('message', (answer) => isOurs(answer) && resolve(answer))
      // Connected, the system itself drops what others send, and tells when nobody listens there.
      socket.connect(port, address, (cause?: Error) => {
        if (cause) reject(unreachable(cause))
        else socket.send(message, (failure) => failure && reject(unreachable(failure)))
      })
    })
  } finally {
    socket.close()
  }
}

async function overTcp({ address, port }: Nameserver, message: Buffer, limits: Limits): Promise<Buffer> {
  const { Packet } = await import('dns2')
  const socket = connect({ host: address, port })
  try {
    return await withDeadline(limits, (resolve, reject) => {
      socket.on('error', (cause) => reject(unreachable(cause)))
      socket.on('close', () => reject(new SourceError('ends the connection without an answer', { class: 'partial' })))
      socket.write(Buffer.concat([lengthOf(message), message]))
      Packet.readStream(socket).then(resolve, () => reject(malformed()))
    })
  } catch (cause) {
    throw new SourceError(`cuts its answer short, and over TCP it ${(cause as Error).message}`, {
      class: 'partial',
      cause,
    })
  } finally {
    socket.destroy()
  }
}

function lengthOf(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return length
}

async function withDeadline<T>(
  { timeoutMs, signal }: Limits,
  work: (resolve: (value: T) => void, reject: (error: SourceError) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const late = () => reject(new SourceError(`does not answer within ${timeoutMs / 1000} s`))
  const timer = setTimeout(late, timeoutMs)
  signal.addEventListener('abort', late, { once: true })
  try {
    if (signal.aborted) late()
    else work(resolve, reject)
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', late)
  }
}

/**
 * Whether a message has compression pointers that lead from one to the next for longer than any honest one.
 *
 * The parser refuses loops, but follows a chain of thousands of pointers for every single record.
 */
function pointsInChains(message: Buffer): boolean {
  const isPointer = (at: number) => at + 1 < message.length && (message[at] ?? 0) >= 0xc0
  for (let start = 0; start < message.length; start++) {
    let at = start
    for (let length = 0; isPointer(at); length++) {
      if (length === longestChain) return true
      at = message.readUInt16BE(at) & 0x3fff
    }
  }
  return false
}

function malformed(): SourceError {
  return new SourceError('answers with a malformed message')
}

function unreachable(cause: Error): SourceError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException
  return new SourceError(code === 'ECONNREFUSED' ? 'refuses the connection' : `cannot be reached (${code})`, { cause })
}
