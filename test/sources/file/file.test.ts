import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSource, SourceConfig } from '../../../src/sources/catalogue.ts'
import { keepsTheSourceContract } from '../../contracts/source.ts'
import { toolsWith } from '../tools.ts'

keepsTheSourceContract({
  name: 'file',
  watches: true,
  open: async (names) => {
    const directory = await mkdtemp(join(tmpdir(), 'roster-'))
    const path = join(directory, 'team.json')
    let listed = names
    const publish = (next: readonly string[]) => writeFile(path, documentOf((listed = next)))
    await publish(names)
    return {
      source: openSource(SourceConfig.parse({ type: 'file', paths: [directory] }), toolsWith()),
      publish,
      break: () => writeFile(path, documentOf(listed).slice(0, -2)),
      heal: () => publish(listed),
      close: () => rm(directory, { recursive: true }),
    }
  },
})

function documentOf(names: readonly string[]): string {
  return JSON.stringify({ servers: names.map((name) => ({ name, url: `http://${name}.example/mcp` })) })
}
