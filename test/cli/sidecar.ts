import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { temporary, until } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'

export const definition = `# An agent that is no MCP library.
id: report-\${SUFFIX}
endpoint: http://127.0.0.1:9000/mcp
labels: { team: research }
capabilities: [{ name: report, version: 1.4.0 }, print]
health_interval: 0.05
`

/** A program that prints its process id, and what the code does with the signals. */
export const program = (code: string) => [process.execPath, '-e', `process.stdout.write(process.pid + '\\n');${code}`]
export const waiting = 'setInterval(() => undefined, 1000)'

/** `mcp-roster agent run` as a process; disposal ends it and its command. */
export function sidecar(roster: string, file: string, command: readonly string[], options: readonly string[] = []) {
  const child = spawn(
    process.execPath,
    [
      process.env['ROSTER_BUILT_MAIN'] ?? 'src/main.ts',
      'agent',
      'run',
      '-f',
      file,
      '--url',
      roster,
      ...options,
      '--',
      ...command,
    ],
    {
      env: { PATH: process.env['PATH'] ?? '', SUFFIX: '1', NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  const printed = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => void (printed.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => void (printed.err += chunk.toString()))
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const commandPid = async () => Number(await until(() => /^\d+$/m.exec(printed.out)?.[0]))
  return {
    child,
    exited,
    printed,
    commandPid,
    [Symbol.asyncDispose]: async () => {
      const pid = Number(/^\d+$/m.exec(printed.out)?.[0] ?? 0)
      if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL')
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

export async function openWorld(text = definition) {
  const opened = new AsyncDisposableStack()
  const daemon = opened.use(await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n'))
  const folder = opened.use(temporary())
  const file = folder.at('agent.yaml')
  writeFileSync(file, text)
  const status = async () => (await daemon.get('/agents/report-1')).status
  return {
    daemon,
    file,
    status,
    run: (command: readonly string[]) => opened.use(sidecar(daemon.url, file, command)),
    registered: async () => await until(async () => (await status()) === 200),
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  }
}
