import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Packet } from 'dns2'
import { SourceError } from '../../../src/model/source.ts'
import { queryNameserver } from '../../../src/sources/dns/dns-query.ts'
import { parseNameserver } from '../../../src/sources/dns/resolver-config.ts'
import { type Question, type Reply, srv, startNameserver } from './test-nameserver.ts'

const name = '_mcp._tcp.example.org'
const forever = new AbortController().signal
const many = Array.from({ length: 200 }, (_, index) => srv(name, `server-${index}.example.org`))

const ask = (address: string, timeoutMs = 500) => {
  const server = parseNameserver(address)
  assert.ok(server)
  return queryNameserver(server, { name, type: 'SRV' }, { timeoutMs, signal: forever })
}
/** Two hundred records, cut to fit where they come over UDP. */
const long = ({ via }: Question): Reply =>
  via === 'udp' ? { answers: many.slice(0, 3), header: { tc: 1 } } : { answers: many }

describe('a DNS query with an answer too long for UDP', () => {
  it('fetches the complete answer over TCP', async () => {
    using server = await startNameserver(long)

    assert.equal((await ask(server.address)).answers.length, 200)
    assert.deepEqual(
      server.questions.map(({ via }) => via),
      ['udp', 'tcp'],
    )
  })

  it('fetches the answer over TCP when truncation cut a record in half', async () => {
    using server = await startNameserver((question) => {
      const reply = long(question)
      return question.via === 'udp' && reply !== 'silence' ? { ...reply, raw: (bytes) => bytes.subarray(0, -7) } : reply
    })

    assert.equal((await ask(server.address)).answers.length, 200)
  })

  for (const [what, reply, reason] of [
    ['is truncated over TCP too', { answers: many.slice(0, 9), header: { tc: 1 } }, /even over TCP/],
    ['never arrives over TCP', 'silence', /over TCP did not answer within 0\.5 s/],
    [
      'belongs to another query over TCP',
      { raw: (bytes: Buffer) => Buffer.concat([Buffer.from([1, 2]), bytes.subarray(2)]) },
      /another question/,
    ],
    ['breaks off over TCP', { answers: many, raw: (bytes: Buffer) => bytes.subarray(0, 400) }, /malformed/],
  ] as const) {
    it(`fails instead of returning a shorter list when the answer ${what}`, async () => {
      using server = await startNameserver((question) => (question.via === 'udp' ? long(question) : reply))

      await assert.rejects(ask(server.address), reason)
    })
  }

  it('fails when TCP is refused', async () => {
    const udp = createSocket('udp4').bind(0, '127.0.0.1')
    await once(udp, 'listening')
    udp.on('message', (message, { port, address }) => {
      const response = Packet.createResponseFromRequest(Packet.parse(message))
      response.header.tc = 1
      udp.send(response.toBuffer(), port, address)
    })
    try {
      await assert.rejects(ask(`127.0.0.1:${udp.address().port}`), /over TCP refused the connection/)
    } finally {
      udp.close()
    }
  })
})

describe('a DNS query', () => {
  it('accepts an answer only from the queried server, and only to the question', async () => {
    const stranger = createSocket('udp4').bind(0, '127.0.0.1')
    const udp = createSocket('udp4').bind(0, '127.0.0.1')
    await Promise.all([once(stranger, 'listening'), once(udp, 'listening')])
    const answered = (message: Buffer, target: string, change: (response: Packet) => void) => {
      const response = Packet.createResponseFromRequest(Packet.parse(message))
      response.answers.push(new Packet.Resource(srv(name, target)))
      change(response)
      return response.toBuffer()
    }
    udp.on('message', (message, { port, address }) => {
      stranger.send(
        answered(message, 'stranger.example', () => {}),
        port,
        address,
        () => {
          const wrong = [
            Buffer.from('short'),
            answered(message, 'id.example', ({ header }) => void (header.id ^= 1)),
            answered(message, 'query.example', ({ header }) => void (header.qr = 0)),
            answered(message, 'name.example', ({ questions }) =>
              Object.assign(questions[0] ?? {}, { name: 'other.example' }),
            ),
            answered(message, 'type.example', ({ questions }) => Object.assign(questions[0] ?? {}, { type: 1 })),
            answered(message, 'empty.example', ({ questions }) => void questions.pop()),
            answered(message, 'right.example', () => {}),
          ]
          for (const bytes of wrong) udp.send(bytes, port, address)
        },
      )
    })
    try {
      const { answers } = await ask(`127.0.0.1:${udp.address().port}`)
      assert.deepEqual(
        answers.map(({ target }) => target),
        ['right.example'],
      )
    } finally {
      udp.close()
      stranger.close()
    }
  })

  it('retries without EDNS when the server does not know it', async () => {
    using server = await startNameserver(({ edns }) =>
      edns ? { header: { rcode: 1 } } : { answers: many.slice(0, 2) },
    )

    assert.equal((await ask(server.address)).answers.length, 2)
    assert.deepEqual(
      server.questions.map(({ edns }) => edns),
      [true, false],
    )
  })

  it('works with an IPv6 nameserver', async () => {
    using server = await startNameserver(long, '::1')

    assert.equal((await ask(server.address)).answers.length, 200)
  })

  it('ends at its deadline, and at once when it is aborted', async () => {
    using server = await startNameserver(() => 'silence')
    await assert.rejects(ask(server.address, 50), /did not answer within 0\.05 s/)

    const stop = new AbortController()
    const place = parseNameserver(server.address)
    assert.ok(place)
    const asking = queryNameserver(place, { name, type: 'SRV' }, { timeoutMs: 60_000, signal: stop.signal })
    stop.abort()
    await assert.rejects(asking)
  })

  it('fails quickly on an answer of arbitrary bytes', { timeout: 20_000 }, async () => {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const hostile = (bytes: Buffer) => {
      const broken = Buffer.concat([bytes, Buffer.alloc(random(300))])
      for (let at = 12 + name.length + 6; at < broken.length; at++) if (random(3) === 0) broken[at] = random(256)
      if (random(2) === 0) broken.writeUInt16BE(random(65_536), 6)
      return random(4) === 0 ? broken.subarray(0, 12 + random(broken.length - 12)) : broken
    }
    using server = await startNameserver(() => ({ answers: many.slice(0, 1 + random(5)), raw: hostile }))
    const { address: at, port } = parseNameserver(server.address) ?? { address: '', port: 0 }
    let longest = 0
    for (let round = 0; round < 1500; round++) {
      const before = performance.now()
      await queryNameserver({ address: at, port }, { name, type: 'SRV' }, { timeoutMs: 20, signal: forever }).catch(
        (error) => assert.ok(error instanceof SourceError, String(error)),
      )
      longest = Math.max(longest, performance.now() - before)
    }
    assert.ok(longest < 2000, `one took ${longest} ms`)
  })

  it('rejects an answer with thousands of chained pointers at once', async () => {
    // Every two bytes point to the two before them; every record's name is the end of that chain.
    const chain = (bytes: Buffer) => {
      const end = bytes.length
      const pointers = Buffer.alloc(16_000)
      for (let at = 0; at < pointers.length; at += 2)
        pointers.writeUInt16BE(0xc000 | (at === 0 ? 12 : end + at - 2), at)
      const record = Buffer.alloc(12)
      record.writeUInt16BE(0xc000 | (end + pointers.length - 2), 0)
      record.writeUInt16BE(33, 2)
      const records = Array.from({ length: 3000 }, () => record)
      const header = Buffer.from(bytes)
      header.writeUInt16BE(3000, 6)
      return Buffer.concat([header, pointers, ...records])
    }
    using server = await startNameserver(({ via }) => (via === 'udp' ? { header: { tc: 1 } } : { raw: chain }))
    const before = performance.now()

    await assert.rejects(ask(server.address), /malformed/)
    assert.ok(performance.now() - before < 200)
  })
})
