import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { median, type Row } from '../row.ts'

/** Milliseconds from the start of a process to its first answer on a port told beforehand. */
async function firstAnswer(args: readonly string[], port: number, env: Record<string, string>): Promise<number> {
  const begun = performance.now()
  const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  while (!(await answers(port)))
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended with ${child.exitCode}`)
  const took = performance.now() - begun
  child.kill('SIGTERM')
  await exited
  return took
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/servers', agent: false }, (response) => {
      response.resume()
      resolve(true)
    })
    asked.on('error', () => resolve(false))
    asked.end()
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

const bareServer = (port: number) => [
  '-e',
  `require('node:http').createServer((q, s) => s.end('ok')).listen(${port}, '127.0.0.1')`,
]

/** Resident memory of a process in MB. */
export function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

const startToAnswer: Row = {
  name: 'start to first answer, default sources',
  goal: '≤ 2.5 × a bare HTTP server, ≤ 100 ms',
  reaches: (value) => value <= 2.5,
  async measure(bench) {
    const home = bench.folder()
    mkdirSync(home, { recursive: true })
    const env = { HOME: home, XDG_STATE_HOME: `${home}/state` }
    const ours: number[] = []
    const bare: number[] = []
    for (let round = 0; round < 12; round += 1) {
      const [one, other] = [await freePort(), await freePort()]
      ours.push(await firstAnswer(['dist/main.js', 'serve', '--host', 'localhost', '--port', String(one)], one, env))
      bare.push(await firstAnswer(bareServer(other), other, {}))
    }
    const [a, b] = [median(ours.slice(2)), median(bare.slice(2))]
    return { value: a / b, unit: 'ratio', detail: { ours_ms: Math.round(a), bare_ms: Math.round(b) } }
  },
}

const idleMemory: Row = {
  name: 'idle resident memory',
  goal: '≤ 90 MB',
  reaches: (value) => value <= 90,
  async measure(bench) {
    const daemon = await bench.daemon([])
    await settled(daemon.url)
    const value = residentMb(daemon.pid)
    await daemon.stop()
    return { value, unit: 'MB', detail: {} }
  },
}

/** Waits until the daemon is ready and has been left alone for a while. */
export async function settled(url: string, ms = 3000): Promise<void> {
  while ((await fetch(`${url}/ready`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50))
  await new Promise((resolve) => setTimeout(resolve, ms))
}

export const start: readonly Row[] = [startToAnswer, idleMemory]
