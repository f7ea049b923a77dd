import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { groupUsage, signalGroup } from './process-group.ts'

export type CommandLine = {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

export type CommandProcess = {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Aborts with the reason when the process could not be started, ended by itself, or exceeded a limit. */
  readonly failed: AbortSignal
  /** Ends the whole process group, and resolves once it has ended: SIGTERM, and SIGKILL after a second. */
  readonly end: () => Promise<void>
}

/** Time from SIGTERM to SIGKILL, in ms. */
const graceMs = 1000
/** Maximum time to wait for the end of a killed process, in ms. */
const reapMs = 2000
/** Pause between two measurements of the group, in ms. */
const measureMs = 200
const maxProcesses = 64

/** Before it becomes the command: no core dump with its secrets; the first to be killed where the machine runs out of memory. */
const prelude = 'ulimit -c 0; echo 1000 >/proc/self/oom_score_adj; exec "$@"'
/** Kills the group as soon as its input ends: with the daemon, however that ends. */
const guardScript = 'read -r _; kill -s KILL -- "-$1"'

const isWindows = process.platform === 'win32'

/** Starts a command in a process group of its own, within limits. Its errors go nowhere: they may be endless, and hold secrets. */
export function startCommand(line: CommandLine, { maxMemoryBytes }: { maxMemoryBytes: number }): CommandProcess {
  const failure = new AbortController()
  const child = spawnInGroup(line)
  const leader = child.pid
  const guard = leader === undefined || isWindows ? undefined : startGuard(leader)
  const exited = Promise.race([once(child, 'exit'), once(child, 'error')]).catch(() => undefined)
  child.once('error', (error) => failure.abort(error))
  child.once('exit', () => failure.abort(new Error('the command ended')))
  child.stdin.on('error', () => undefined)
  child.stdout.on('error', () => undefined)
  const ending = new AbortController()
  let ended: Promise<void> | undefined

  async function measure(pid: number): Promise<void> {
    while (!ending.signal.aborted) {
      const usage = await groupUsage(pid).catch(() => undefined)
      if (usage && usage.bytes > maxMemoryBytes) kill(pid, 'the command takes too much memory')
      if (usage && usage.processes > maxProcesses) kill(pid, 'the command starts too many processes')
      await wait(measureMs, undefined, { ref: false })
    }
  }

  function kill(pid: number, reason: string): void {
    failure.abort(new Error(reason))
    signalGroup(pid, 'SIGKILL')
  }

  async function endGroup(): Promise<void> {
    ending.abort()
    child.stdin.destroy()
    if (leader !== undefined) {
      signalGroup(leader, 'SIGTERM')
      await Promise.race([exited, wait(graceMs)])
      signalGroup(leader, 'SIGKILL')
      await Promise.race([exited, wait(reapMs)])
    }
    child.stdout.destroy()
    // Only now: it kills the group when its input ends, and by then the number could be that of another one.
    guard?.kill('SIGKILL')
  }

  if (leader !== undefined) void measure(leader)
  return { stdin: child.stdin, stdout: child.stdout, failed: failure.signal, end: () => (ended ??= endGroup()) }
}

function spawnInGroup({ command, args, env, cwd }: CommandLine) {
  const options = { env, cwd, stdio: ['pipe', 'pipe', 'ignore'] as ['pipe', 'pipe', 'ignore'], windowsHide: true }
  if (isWindows) return spawn(command, args, options)
  return spawn('/bin/sh', ['-c', prelude, 'sh', command, ...args], { ...options, detached: true })
}

function startGuard(leader: number): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', guardScript, 'sh', String(leader)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  })
  guard.on('error', () => undefined)
  return guard
}
