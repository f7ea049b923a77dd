import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { http } from '../../../src/sources/http/http.ts'
import { errorIn, namesIn, runSource } from '../poll-source.ts'
import { toolsWith } from '../source-tools.ts'
import { json, openHttpSource, openDirectory, servers, text } from './test-directory.ts'

const megabyte = 1024 * 1024
const asJson = { 'content-type': 'application/json' }

/** Writes without end, as fast as the client reads. */
const endless: RequestListener = (_, response) => {
  const chunk = Buffer.alloc(megabyte, ' ')
  response.writeHead(200, asJson)
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}

const oneByteAtATime: RequestListener = (_, response) => {
  response.writeHead(200, asJson)
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
}

const declaresTooMuch: RequestListener = (_, response) => {
  response.writeHead(200, { ...asJson, 'content-length': String(1024 * megabyte) })
  response.write('{')
}

const bomb = gzipSync(Buffer.alloc(200 * megabyte))

describe('a hostile directory', () => {
  const hostile: Record<string, [RequestListener, RegExp]> = {
    'never answers': [() => {}, /timed out/],
    'sends one byte at a time': [oneByteAtATime, /timed out/],
    'sends without end': [endless, /bytes|big|larg|long/i],
    'declares a gigabyte': [declaresTooMuch, /bytes|big|larg|long/i],
    'sends a bomb': [text(bomb, { ...asJson, 'content-encoding': 'gzip' }), /bytes|big|larg|long/i],
    'sends a bomb in a bomb': [
      text(gzipSync(bomb), { ...asJson, 'content-encoding': 'gzip, gzip' }),
      /encod|compress/i,
    ],
    'uses an unknown content encoding': [
      text(brotliCompressSync(JSON.stringify(servers('weather'))), { ...asJson, 'content-encoding': 'br' }),
      /encod|compress/i,
    ],
    'closes the connection': [(request) => void request.socket.destroy(), /UND_ERR_SOCKET|reset/i],
    'closes the connection halfway': [
      (request, response) => {
        response.writeHead(200, { ...asJson, 'content-length': '100' })
        response.write('{"servers": {}}', () => request.socket.destroy())
      },
      /UND_ERR_SOCKET|reset/i,
    ],
  }

  for (const [what, [answer, reason]] of Object.entries(hostile)) {
    it(`is cut off by time or size when it ${what}`, async () => {
      using bad = await openDirectory(answer)
      using good = await openDirectory(json(servers('weather')))
      await using source = openHttpSource({
        urls: [`${bad.url}/a.json`, `${good.url}/b`],
        timeout: '1s',
        max_bytes: megabyte,
      })
      const memory = process.memoryUsage().rss
      const before = performance.now()

      const [failed, fine] = await source.next()

      assert.match(errorIn(failed).message, reason)
      assert.deepEqual(namesIn(fine), ['weather'])
      assert.ok(performance.now() - before < 5000, `took ${performance.now() - before} ms`)
      const grown = (process.memoryUsage().rss - memory) / megabyte
      assert.ok(grown < 50, `grew by ${grown} MB`)
    })
  }

  it('is given up even when the HTTP client ignores its signal', async () => {
    const httpClient = { ...toolsWith().httpClient, request: () => new Promise<never>(() => {}) }
    const config = http.config.parse({ type: 'http', url: 'http://directory.example/servers', timeout: 0.05 })
    await using source = runSource(http.open(config, toolsWith({ httpClient })))

    assert.match(errorIn((await source.next())[0]).message, /within 3 s/)
  })

  it('is abandoned at once when the daemon stops', async () => {
    using place = await openDirectory(() => {})
    const source = openHttpSource({ url: `${place.url}/servers` })
    const looking = source.next().catch(() => undefined)
    const before = performance.now()

    await source.stop()
    await looking

    assert.ok(performance.now() - before < 1000)
  })
})

describe('a directory address', () => {
  it('outside the allowed networks is not called', async () => {
    using place = await openDirectory(json(servers('weather')))
    await using source = openHttpSource({ url: `${place.url}/servers`, allow: ['10.0.0.0/8'] })

    const error = errorIn((await source.next())[0])

    assert.match(error.message, /none of the allowed networks/)
    assert.equal(error.class, 'config')
    assert.equal(place.requests.length, 0)
  })

  it('in a denied network is not called', async () => {
    using place = await openDirectory(json(servers('weather')))
    await using source = openHttpSource({ url: `${place.url}/servers`, deny: ['127.0.0.0/8'] })

    assert.match(errorIn((await source.next())[0]).message, /denied network/)
  })

  it('is not read beyond all of its pages together', async () => {
    let pages = 0
    using directory = await openDirectory((request, response) => {
      pages += 1
      const server = { name: `example/s${pages}`, version: '1.0.0', description: 'x' }
      json({ servers: [{ server, _meta: { padding: 'x'.repeat(50_000) } }], metadata: { nextCursor: String(pages) } })(
        request,
        response,
      )
    })
    await using source = openHttpSource({ url: `${directory.url}/v0.1/servers`, max_total_bytes: 1_048_576 })

    assert.match(errorIn((await source.next())[0]).message, /more than 1048576 bytes.*max_total_bytes/)
    assert.ok(pages < 30, `${pages} pages of 50 kB were read`)
  })
})
