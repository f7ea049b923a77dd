import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { daemonFlags } from '../programs.ts'

/** A temporary folder, removed on disposal. */
export function temporary() {
  const path = mkdtempSync(join(tmpdir(), 'mcp-roster-'))
  return {
    path,
    at: (...names: string[]) => join(path, ...names),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** The script of the daemon: the built one in a whole run, which starts in a third of the CPU; else the source. */
const defaultMain = process.env['ROSTER_BUILT_MAIN'] ?? 'src/main.ts'

export type Running = Awaited<ReturnType<typeof start>>

/**
 * The real daemon as a separate process on a free loopback port, isolated from this machine: own home, own state folder, empty
 * environment.
 */
export async function start(
  args: readonly string[],
  { home, env = {}, main = defaultMain }: { home: string; env?: Record<string, string>; main?: string },
) {
  const child = spawn(
    process.execPath,
    [...daemonFlags(), main, 'serve', '--host', 'localhost', '--port', '0', ...args],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        HOME: home,
        XDG_STATE_HOME: join(home, 'state'),
        NODE_ENV: 'test',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const lines: Record<string, unknown>[] = []
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => take(chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  let rest = ''

  function take(text: string): void {
    printed += text
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (part.startsWith('{')) lines.push(JSON.parse(part) as Record<string, unknown>)
  }

  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const url = await until(() => {
    if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}:\n${printed}`)
    return lines.find(({ msg }) => msg === 'listening')?.['url'] as string | undefined
  }, 30).catch(async (error: unknown) => {
    await kill(child, exited) // or the test would never end
    throw error
  })

  const get = async (path: string, init?: RequestInit) => await fetch(url + path, init)
  const json = async <T = Record<string, unknown>>(path: string, init?: RequestInit): Promise<T> =>
    (await (await get(path, init)).json()) as T

  return {
    url,
    lines,
    child,
    exited,
    printed: () => printed,
    get,
    json,
    /** Stops it with SIGTERM as a service manager does; resolves with the exit code. */
    stop: async (): Promise<number | null> => {
      child.kill('SIGTERM')
      const [code] = await exited
      return code
    },
    [Symbol.asyncDispose]: async () => kill(child, exited),
  }
}

async function kill(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await exited
}

/**
 * Polls until `ask` returns a value, at growing intervals (5 to 100 ms), since polling costs the daemon time too.
 *
 * Fails after `seconds`; the default tolerates a slow machine and promises nothing of the daemon.
 */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 30,
): Promise<T> {
  const began = performance.now()
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    const waitedMs = performance.now() - began
    if (waitedMs > seconds * 1000) assert.fail(`no result within ${seconds} s`)
    await pause(Math.min(5 + waitedMs / 20, 100))
  }
}
