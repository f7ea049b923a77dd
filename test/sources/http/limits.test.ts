import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { http } from '../../../src/sources/http/http.ts'
import { errorIn, namesIn, start } from '../poll-source.ts'
import { toolsWith } from '../source-tools.ts'
import { json, look, openDirectory, servers, text } from './test-directory.ts'

const megabyte = 1024 * 1024
const asJson = { 'content-type': 'application/json' }

/** Writes as fast as it is read, for ever. */
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

describe('a directory that is not well-behaved', () => {
  const hostile: Record<string, [RequestListener, RegExp]> = {
    'never answers': [() => {}, /timed out/],
    'sends one byte at a time': [oneByteAtATime, /timed out/],
    'sends without end': [endless, /bytes|big|larg|long/i],
    'announces a gigabyte': [declaresTooMuch, /bytes|big|larg|long/i],
    'sends a bomb': [text(bomb, { ...asJson, 'content-encoding': 'gzip' }), /bytes|big|larg|long/i],
    'sends a bomb in a bomb': [
      text(gzipSync(bomb), { ...asJson, 'content-encoding': 'gzip, gzip' }),
      /encod|compress/i,
    ],
    'packs in an unknown way': [
      text(brotliCompressSync(JSON.stringify(servers('weather'))), { ...asJson, 'content-encoding': 'br' }),
      /encod|compress/i,
    ],
    'closes the line': [(request) => void request.socket.destroy(), /UND_ERR_SOCKET|reset/i],
    'closes the line halfway': [
      (request, response) => {
        response.writeHead(200, { ...asJson, 'content-length': '100' })
        response.write('{"servers": {}}', () => request.socket.destroy())
      },
      /UND_ERR_SOCKET|reset/i,
    ],
  }

  for (const [what, [answer, reason]] of Object.entries(hostile)) {
    it(`is cut in time and in size when it ${what}`, async () => {
      using bad = await openDirectory(answer)
      using good = await openDirectory(json(servers('weather')))
      await using source = look({ urls: [`${bad.url}/a.json`, `${good.url}/b`], timeout: '1s', max_bytes: megabyte })
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

  it('is given up even by an HTTP client that never answers', async () => {
    const httpClient = { ...toolsWith().httpClient, request: () => new Promise<never>(() => {}) }
    const config = http.config.parse({ type: 'http', url: 'http://directory.example/servers', timeout: 0.05 })
    await using source = start(http.open(config, toolsWith({ httpClient })))

    assert.match(errorIn((await source.next())[0]).message, /within 3 s/)
  })

  it('is let go at once when the daemon stops', async () => {
    using place = await openDirectory(() => {})
    const source = look({ url: `${place.url}/servers` })
    const looking = source.next().catch(() => undefined)
    const before = performance.now()

    await source.stop()
    await looking

    assert.ok(performance.now() - before < 1000)
  })
})

describe('addresses', () => {
  it('outside the allowed networks are not called', async () => {
    using place = await openDirectory(json(servers('weather')))
    await using source = look({ url: `${place.url}/servers`, allow: ['10.0.0.0/8'] })

    const error = errorIn((await source.next())[0])

    assert.match(error.message, /none of the allowed networks/)
    assert.equal(error.class, 'config')
    assert.equal(place.requests.length, 0)
  })

  it('in a denied network are not called', async () => {
    using place = await openDirectory(json(servers('weather')))
    await using source = look({ url: `${place.url}/servers`, deny: ['127.0.0.0/8'] })

    assert.match(errorIn((await source.next())[0]).message, /denied network/)
  })
})
