import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { openHttpClient } from '../../src/outbound/http-client.ts'
import { farEnd } from './far-end.ts'

const door = openHttpClient()
after(async () => door.close())

const terms = { reach: 'any', timeoutMs: 5000, maxBytes: 4096, courtesyMs: 50 } as const

describe('a look', () => {
  it('tells the status, and leaves a connection behind that is of use again', async (t) => {
    const ports = new Set<number | undefined>()
    const url = await farEnd(t, (request, response) => {
      ports.add(request.socket.remotePort)
      response.writeHead(request.url === '/gone' ? 410 : 200)
      response.end('short')
    })

    for (let looks = 0; looks < 5; looks += 1) assert.equal(await door.look(url, terms), 200)
    assert.equal(await door.look(`${url}/gone`, terms), 410)

    assert.ok(ports.size <= 2, `${ports.size} connections for six looks`)
  })

  it('lets go of a body that is long or slow', async (t) => {
    const left: Promise<void>[] = []
    const url = await farEnd(t, (request, response) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      left.push(promise)
      response.on('close', resolve)
      response.write(request.url === '/long' ? Buffer.alloc(1_000_000) : 'slow')
    })

    assert.equal(await door.look(`${url}/long`, terms), 200)
    assert.equal(await door.look(`${url}/slow`, terms), 200)
    await Promise.all(left)
    assert.equal(left.length, 2)
  })

  it('goes nowhere else, whatever it is told', async (t) => {
    const url = await farEnd(t, (_, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' })
      response.end()
    })

    assert.equal(await door.look(url, terms), 302)
    await assert.rejects(door.look(url, { ...terms, reach: 'private' }), { reason: 'blocked' })
  })
})

describe('a deadline', () => {
  it('ends an exchange that is not even connected', async () => {
    const waiting = openHttpClient({ lookup: () => undefined })
    const begun = performance.now()

    await assert.rejects(waiting.request('http://never.example/', { ...terms, timeoutMs: 100 }), { reason: 'timeout' })

    assert.ok(performance.now() - begun < 5000)
    await waiting.close()
  })
})
