import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench, LoadOptions, Peer } from './row.ts'

const run = promisify(execFile)

/** Opens what rows share; everything it started ends when it is disposed. */
export function openBench({ seconds }: { seconds: number }): Bench & AsyncDisposable {
  const root = mkdtempSync(join(tmpdir(), 'mcp-roster-bench-'))
  const peers = new Set<Peer>()
  let folders = 0

  function started(args: readonly string[], env: Record<string, string>, announced: RegExp): Promise<Peer> {
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)))
      child.stdout.on('data', (chunk: Buffer) => {
        const url = announced.exec(chunk.toString())?.[1]
        if (url === undefined) return
        const peer: Peer = {
          url,
          pid: child.pid ?? 0,
          stop: async () => {
            peers.delete(peer)
            child.kill('SIGTERM')
            await exited
          },
        }
        peers.add(peer)
        resolve(peer)
      })
    })
  }

  function folder(): string {
    folders += 1
    return join(root, String(folders))
  }

  return {
    seconds,
    folder,
    daemon: (args, { env = {} } = {}) => {
      const home = folder()
      const flags = ['--host', 'localhost', '--port', '0', ...args]
      return started(
        ['dist/main.js', 'serve', ...flags],
        { HOME: home, XDG_STATE_HOME: join(home, 'state'), ...env },
        /"url":"([^"]+)".*"listening"/,
      )
    },
    peer: (file, input) => {
      const path = `${folder()}.json`
      writeFileSync(path, JSON.stringify(input ?? null))
      return started([`test/bench/peers/${file}`, path], {}, /(http:\S+)/)
    },
    load: (url, options) =>
      existsSync('/usr/bin/wrk') ? wrk(url, seconds, options) : autocannon(url, seconds, options),
    async [Symbol.asyncDispose]() {
      await Promise.all([...peers].map((peer) => peer.stop()))
      rmSync(root, { recursive: true, force: true })
    },
  }
}

async function wrk(
  url: string,
  seconds: number,
  { connections = 32, headers = {}, script }: LoadOptions = {},
): Promise<number> {
  const sent = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const lua = script === undefined ? [] : ['-s', script]
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, ...sent, ...lua, url])
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1]
  if (bad !== undefined) throw new Error(`${url}: ${bad} answers were no success`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

async function autocannon(
  url: string,
  seconds: number,
  { connections = 32, headers = {} }: LoadOptions = {},
): Promise<number> {
  const bin = createRequire(import.meta.url).resolve('autocannon/autocannon.js')
  const sent = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}=${value}`])
  const { stdout } = await run(
    process.execPath,
    [bin, '-c', String(connections), '-d', String(seconds), '--json', ...sent, url],
    { maxBuffer: 1e8 },
  )
  const { requests, non2xx } = JSON.parse(stdout) as { requests: { average: number }; non2xx: number }
  if (non2xx > 0) throw new Error(`${url}: ${non2xx} answers were no success`)
  return requests.average
}
