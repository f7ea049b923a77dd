import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { type Running, start, temporary, until } from './daemon-process.ts'

const megabyte = 1024 * 1024

async function residentBytes(daemon: Running): Promise<number> {
  const metrics = await (await daemon.get('/metrics')).text()
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1])
}

async function register(daemon: Running, count: number): Promise<void> {
  const note = 'x'.repeat(60_000)
  for (let index = 0; index < count; index++) {
    const agent = {
      id: `large-${index}`,
      name: 'large',
      endpoint: 'http://10.0.0.1:9/mcp',
      annotations: { a: note, b: note },
    }
    const { status } = await daemon.get('/agents', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(agent),
    })
    assert.equal(status, 200)
  }
}

/** Requests a list, and reads no more than its beginning. */
async function requestUnread(daemon: Running, path: string): Promise<Socket> {
  const socket = connect(Number(new URL(daemon.url).port), '127.0.0.1').on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  await Promise.race([once(socket, 'data'), once(socket, 'close')])
  return socket.pause()
}

describe('lists of many megabytes that clients request and do not read', () => {
  for (const [name, path] of Object.entries({
    '/servers': '/servers?limit=',
    '/servers in full': '/servers?view=full&limit=',
    '/agents': '/agents?limit=',
  })) {
    it(`of ${name} take no memory of the daemon, and others get theirs`, async () => {
      using home = temporary()
      await using daemon = await start([], { home: home.path })
      await register(daemon, 90)
      const whole = await (await daemon.get(`${path}90`)).text()
      assert.ok(whole.length > 10 * megabyte)
      const before = await residentBytes(daemon)

      const sockets = await Promise.all(
        Array.from({ length: 60 }, (_, index) => requestUnread(daemon, `${path}${100 + index}`)),
      )

      const grown = (await residentBytes(daemon)) - before
      assert.ok(grown < 150 * megabyte, `${Math.round(grown / megabyte)} MB more`)
      assert.equal((await (await daemon.get(`${path}90`)).text()).length, whole.length)
      for (const socket of sockets) socket.destroy()
      await until(async () => (await daemon.get('/healthz')).ok)
    })
  }
})
