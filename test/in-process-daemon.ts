import { writeFileSync } from 'node:fs'
import { loadConfig } from '../src/config/load.ts'
import { startDaemon } from '../src/daemon.ts'
import { createLog } from '../src/log.ts'
import { temporary } from './e2e/daemon-process.ts'

export type Answer<T> = { readonly status: number; readonly headers: Headers; readonly body: T; readonly text: string }

/**
 * The real daemon inside the test process, on a free loopback port, with its own folder.
 *
 * `config` is the text of its config file; `reload` reads it again.
 */
export async function startHere(
  config = '',
  {
    env = {},
    folder: given,
    port = 0,
  }: { env?: Record<string, string>; folder?: ReturnType<typeof temporary>; port?: number } = {},
) {
  const folder = given ?? temporary()
  const lines: Record<string, unknown>[] = []
  const log = createLog({
    destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  })
  const write = (text: string) =>
    writeFileSync(folder.at('config.yaml'), `${text.startsWith('listen:') ? '' : baseConfig}${text}`)
  write(config)
  const place = {
    container: false,
    cluster: false,
    home: folder.path,
    cwd: folder.path,
    stateDirectory: folder.at('state'),
    filePaths: [],
  }
  const load = () =>
    loadConfig({ flags: { config: folder.at('config.yaml'), port: String(port) }, env, platform: place })
  const daemon = await startDaemon({ loaded: await load(), reload: load, log })
  await daemon.ready()

  return {
    url: daemon.url,
    folder,
    lines,
    reload: async (text: string) => (write(text), await daemon.reload()),
    get: (path: string, init?: RequestInit) => fetch(daemon.url + path, init),
    /** Sends a request with a JSON body; returns status, headers and parsed response. */
    async ask<T = Record<string, unknown>>(
      method: string,
      path: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ): Promise<Answer<T>> {
      const response = await fetch(daemon.url + path, {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : {}) as T, text }
    },
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]()
      if (!given) folder[Symbol.dispose]()
    },
  }
}

/** The base config of every test daemon that does not say itself where it listens: loopback only. */
const baseConfig = 'listen: { host: 127.0.0.1 }\n'
