import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { freePort } from '../../programs.ts'

export type StartedServer = { readonly name: string; readonly url: string; readonly kill: () => Promise<void> }

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

function killable(name: string, url: string, child: ChildProcess): StartedServer {
  const exited = once(child, 'exit')
  running.add(child)
  child.once('exit', () => running.delete(child))
  return {
    name,
    url,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A counting server in a process of its own. */
export async function startCounting(name: string, log: string, era: 'modern' | 'legacy'): Promise<StartedServer> {
  const args = ['test/soak/fleet/counting-server.ts', name, '0', log, era]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return killable(name, url, child)
}

/** npm's reference server, with sessions, by a legacy transport. */
export async function startEverything(name: string, transport: 'streamableHttp' | 'sse'): Promise<StartedServer> {
  const entry = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
  const port = await freePort()
  const child = spawn(process.execPath, [entry, transport], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  // It keeps writing: without a reader its pipe would break.
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (text) => String(text).includes(`port ${port}`) && resolve())
  })
  return killable(name, `http://127.0.0.1:${port}/${transport === 'sse' ? 'sse' : 'mcp'}`, child)
}
