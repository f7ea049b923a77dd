import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Attack } from './attack.ts'

function slowYaml(): Buffer {
  let text = 'servers:\n'
  for (let index = 0; text.length < 4_900_000; index += 1)
    text += `  slow-${index}:\n    command: x\n    args: ["-m", "server_${index}"]\n    tags: [a, b]\n`
  return Buffer.from(text)
}

const slowDocuments: Attack = {
  name: 'documents',
  what: 'three HTTP directories answer 5 MB of YAML, which takes too long to parse',
  async run({ addSources }, over) {
    const yaml = slowYaml()
    const directory = createServer((_request, response) => {
      response.setHeader('content-type', 'application/yaml')
      response.end(yaml)
    }).listen(0, '127.0.0.1')
    await once(directory, 'listening')
    const { port } = directory.address() as AddressInfo
    const source = (name: string) => ({ type: 'http', name, url: `http://127.0.0.1:${port}/${name}`, interval: 5 })
    const sources = await addSources(source('slow1'), source('slow2'), source('slow3'))
    if (!over.aborted) await once(over, 'abort')
    await sources[Symbol.asyncDispose]()
    directory.closeAllConnections()
    directory.close()
  },
}

/** What hosts that directories are read from can do with their documents. */
export const documentAttacks: readonly Attack[] = [slowDocuments]
