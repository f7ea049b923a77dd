import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { temporary, until } from './daemon-process.ts'

type Here = Awaited<ReturnType<typeof startHere>>
type Readiness = { ready: boolean; sources: { name: string; state: string; answered: boolean }[] }

/** No probes, no stored readings, and a startup that is over at once, so that only the sources decide. */
const base = 'health: { enabled: false }\nstore: { type: memory }\n'
const started = (...sources: string[]) =>
  `${base}ready: { timeout: 0 }\nsources:\n${sources.map((source) => `  - ${source}\n`).join('')}`
const required = (source: string) => started(source).replace('timeout: 0', 'timeout: 0, require: [dir]')

const lists = ['/discover', '/v0.1/servers', '/sd/prometheus']

/** A web server that answers every request alike. */
async function answering(answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (next: (response: ServerResponse) => void) => void (answer = next),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

const json =
  (body: string, status = 200) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(body)

const statusesOf = async (daemon: Here) =>
  await Promise.all([...lists, '/ready'].map(async (path) => (await daemon.get(path)).status))

async function untilAttempted(daemon: Here): Promise<void> {
  await until(
    async () => (await daemon.ask<{ last_error?: string }>('GET', '/sources/dir')).body.last_error !== undefined,
  )
}

const dir = async (daemon: Here) => (await daemon.ask<Readiness>('GET', '/ready')).body.sources[0]

describe('a source whose first answer cannot be read', () => {
  const answers: Record<string, (response: ServerResponse) => void> = {
    'a 404': json('{}', 404),
    'a redirect to a dead address': (response) =>
      void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    'a truncated list': json('{"servers": ['),
    'an error as a document': json('{"error":"maintenance"}'),
    null: json('null'),
    'an empty object': json('{}'),
  }
  for (const type of ['http', 'roster']) {
    for (const [name, answer] of Object.entries(answers)) {
      it(`has not answered, so that no list is served, where ${name} comes to a source of type ${type}`, async () => {
        await using server = await answering(answer)
        await using daemon = await startHere(required(`{ type: ${type}, name: dir, url: "${server.url}/list.json" }`))
        await untilAttempted(daemon)

        assert.deepEqual(await statusesOf(daemon), [503, 503, 503, 503])
        assert.deepEqual(await dir(daemon), { name: 'dir', type, state: 'starting', answered: false })
      })
    }
  }

  it('answers with the first list that can be read, even an empty one', async () => {
    for (const list of ['{"servers":{}}', '{"servers":[]}', '[]', '{"mcpServers":{}}']) {
      await using server = await answering(json('null'))
      await using daemon = await startHere(required(`{ type: http, name: dir, url: "${server.url}/list.json" }`))
      await untilAttempted(daemon)
      assert.deepEqual(await statusesOf(daemon), [503, 503, 503, 503])

      server.answer(json(list))
      await daemon.ask('POST', '/sources/dir/refresh')

      assert.deepEqual(await statusesOf(daemon), [200, 200, 200, 200], list)
    }
  })

  it('keeps its servers, and has answered, where garbage follows a list', async () => {
    await using server = await answering(json('{"servers":{"weather":{"url":"http://weather.example/mcp"}}}'))
    await using daemon = await startHere(required(`{ type: http, name: dir, url: "${server.url}/list.json" }`))
    await until(async () => (await daemon.get('/ready')).status === 200)

    server.answer(json('null'))
    await daemon.ask('POST', '/sources/dir/refresh')

    assert.deepEqual(await dir(daemon), { name: 'dir', type: 'http', state: 'stale', answered: true })
    const { status, body } = await daemon.ask<{ servers: object }>('GET', '/discover')
    assert.deepEqual([status, Object.keys(body.servers)], [200, ['weather']])
  })

  it('has not answered where all of its files are broken, and has where one is good or none is there', async () => {
    const good = 'servers: { weather: { url: "http://weather.example/mcp" } }'
    for (const [files, status] of [
      [{ 'a.yaml': 'servers: [' }, 503],
      [{ 'a.yaml': 'servers: [', 'b.yaml': good }, 200],
      [{}, 200],
    ] as const) {
      using folder = temporary()
      mkdirSync(folder.at('mcp'))
      for (const [name, text] of Object.entries(files)) writeFileSync(folder.at(`mcp/${name}`), text)
      await using daemon = await startHere(required(`{ type: file, name: dir, paths: [mcp] }`), { folder })
      if (Object.keys(files).includes('a.yaml')) await untilAttempted(daemon)

      assert.deepEqual(await statusesOf(daemon), Array(4).fill(status), JSON.stringify(files))
    }
    await using absent = await startHere(required(`{ type: file, name: dir, paths: [nowhere] }`))
    assert.deepEqual(await statusesOf(absent), [200, 200, 200, 200])
  })
})

describe('a roster that follows another one', () => {
  it('has not answered while the other one has not read its own sources and lists nothing', async () => {
    await using server = await answering(json('null'))
    await using other = await startHere(started(`{ type: http, name: dir, url: "${server.url}/list.json" }`))
    await untilAttempted(other)
    assert.equal((await other.get('/ready')).status, 200)
    await using daemon = await startHere(required(`{ type: roster, name: dir, url: "${other.url}" }`))
    await until(async () => {
      const { last_error, last_success } = (await daemon.ask('GET', '/sources/dir')).body
      return last_error !== undefined || last_success !== undefined
    })

    assert.deepEqual(await statusesOf(daemon), [503, 503, 503, 503])

    server.answer(json('[]'))
    await other.ask('POST', '/sources/dir/refresh')
    await daemon.ask('POST', '/sources/dir/refresh')

    assert.deepEqual(await statusesOf(daemon), [200, 200, 200, 200])
  })

  it('waits for nothing where the startup of the other one is over and it lists servers', async () => {
    using folder = temporary()
    writeFileSync(folder.at('servers.yaml'), 'servers: { weather: { url: "http://weather.example/mcp" } }')
    const sources = ['{ type: http, url: "http://127.0.0.1:1/" }', '{ type: file, paths: [servers.yaml] }']
    await using other = await startHere(started(...sources), { folder })
    await using daemon = await startHere(required(`{ type: roster, name: dir, url: "${other.url}" }`))

    await until(async () => (await daemon.get('/ready')).status === 200)
    assert.deepEqual(await statusesOf(daemon), [200, 200, 200, 200])
  })
})

describe('a filter by a source that does not exist', () => {
  it('is a 400 with the names of the sources where clients drop what a list does not name', async () => {
    await using daemon = await startHere(
      started('{ type: env }', '{ type: http, name: dir, url: "http://127.0.0.1:1/" }'),
    )

    for (const path of ['/sd/prometheus?source=DIR', '/sd/prometheus?source=env,dirr', '/discover?source=DIR']) {
      const { status, body } = await daemon.ask('GET', path)
      assert.deepEqual([status, body['code'], body['parameter']], [400, 'invalid_parameter', 'source'], path)
      assert.match(String(body['detail']), /unknown source "(DIR|dirr)"; the sources are .*env, dir/)
    }
    assert.equal((await daemon.get('/sd/prometheus?source=dir')).status, 503)
    assert.equal((await daemon.get('/sd/prometheus?source=manual,env')).status, 200)
    assert.equal((await daemon.get('/sd/prometheus?source=')).status, 503)
  })
})
