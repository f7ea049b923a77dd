import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { openDoor } from '../../../src/flow/door.ts'
import { silent } from '../../../src/log.ts'
import { http } from '../../../src/sources/http/http.ts'
import { namesIn, start } from '../looking.ts'

async function directory(answer: RequestListener) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, [Symbol.dispose]: () => void server.close() }
}

it('lists what a directory answers, and again when asked', async () => {
  const servers: Record<string, unknown> = { weather: { url: 'http://weather.example/mcp' } }
  using place = await directory((_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ servers }))
  })
  const config = http.config.parse({ type: 'http', url: place.url })
  await using source = start(http.open(config, { log: silent, env: {}, door: openDoor() }))

  const [first] = await source.next()
  servers['news'] = { url: 'http://news.example/mcp' }
  const [second] = await source.ask()

  assert.deepEqual(namesIn(first), ['weather'])
  assert.deepEqual(namesIn(second), ['weather', 'news'])
})
