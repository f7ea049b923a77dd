import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { start, temporary, until } from './daemon-process.ts'

const listing = (name: string, length: number) => {
  let text = 'servers:\n'
  for (let index = 0; text.length < length; index++)
    text += `  ${name}-${index}:\n    url: http://10.0.0.1/${index}\n    tags: [a, b]\n`
  return text
}

type Sources = { sources: { name: string; state: string }[] }

describe('directories whose YAML takes too long to parse', () => {
  it('delay no file', async () => {
    using home = temporary()
    let requests = 0
    const directory = createServer((_request, response) => {
      requests += 1
      response.setHeader('content-type', 'application/yaml')
      response.end(listing('slow', 4_900_000))
    }).listen(0, '127.0.0.1')
    await once(directory, 'listening')
    const { port } = directory.address() as AddressInfo
    mkdirSync(home.at('files'))
    const remote = (name: string) => `  - { type: http, name: ${name}, url: "http://127.0.0.1:${port}/${name}" }`
    const sources = [`  - { type: file, paths: [${home.at('files')}] }`, ...['slow1', 'slow2', 'slow3'].map(remote)]
    writeFileSync(home.at('config.yaml'), `sources:\n${sources.join('\n')}\nhealth: { enabled: false }\n`)
    try {
      await using daemon = await start(['--config', home.at('config.yaml')], { home: home.path })
      await until(() => requests >= 3)
      writeFileSync(home.at('files', 'team.yaml'), listing('local', 10_000))

      await until(() => daemon.get('/servers/local-1').then(({ status }) => status === 200))
      const { sources: meanwhile } = await daemon.json<Sources>('/sources')
      const slow = meanwhile.filter(({ name }) => name.startsWith('slow'))
      assert.deepEqual(
        slow.map(({ state }) => state),
        ['starting', 'starting', 'starting'],
      )
    } finally {
      directory.closeAllConnections()
      directory.close()
    }
  })
})
