import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Path of a program, system folders included; undefined where it is not installed. */
export function installed(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/** What Node is given when it runs the daemon, by the script `start` of the package. */
export function daemonFlags(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

/** A free loopback port, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Starts a program in the foreground with its own temporary folder; disposal stops it and removes the folder. */
export async function startProgram(path: string, argumentsIn: (folder: string) => Promise<readonly string[]>) {
  const folder = await mkdtemp(join(tmpdir(), 'roster-real-'))
  const program = spawn(path, await argumentsIn(folder), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const note = (chunk: unknown) => void (output += String(chunk))
  program.stdout.on('data', note)
  program.stderr.on('data', note)

  /** Waits until the program is ready. */
  async function until(isReady: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 10_000
    while (!(await isReady().catch(() => false))) {
      if (program.exitCode !== null || performance.now() > deadline) throw new Error(`${path} is not ready: ${output}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async function stop(): Promise<void> {
    await ended(program)
    await rm(folder, { recursive: true, force: true })
  }

  return {
    folder,
    until,
    output: () => output,
    stop,
    signal: (name: NodeJS.Signals) => program.kill(name),
    [Symbol.asyncDispose]: stop,
  }
}

async function ended(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return
  const gone = once(program, 'exit')
  program.kill('SIGTERM')
  const timer = setTimeout(() => program.kill('SIGKILL'), 3000)
  await gone
  clearTimeout(timer)
}
