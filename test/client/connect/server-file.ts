import { writeFileSync } from 'node:fs'
import { temporary } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'

export type ServerMap = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A daemon that watches one file of servers, which `write` replaces. */
export async function createServerFile(servers: ServerMap, config = '') {
  const folder = temporary()
  const write = (next: ServerMap) => writeFileSync(folder.at('servers.json'), JSON.stringify({ servers: next }))
  write(servers)
  const daemon = await startHere(`sources: [{ type: file, paths: [${folder.at('servers.json')}] }]\n${config}`)
  return {
    daemon,
    write,
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}
