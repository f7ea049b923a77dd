import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { daemonFlags } from '../programs.ts'
import { load } from './load.ts'
import type { Bench, Client, Peer } from './row.ts'

const maxStartMs = 60_000

/** Opens the resources that rows share; ends every process it started on disposal. */
export function openBench({ bin, seconds, long }: Pick<Bench, 'bin' | 'seconds' | 'long'>): Bench & AsyncDisposable {
  const root = mkdtempSync(join(tmpdir(), 'mcp-roster-bench-'))
  const running = new Set<{ stop: () => Promise<void> }>()
  const children = new Set<ChildProcess>()
  let folders = 0

  // No child survives this run, however it ends.
  const endAll = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  process.once('exit', endAll)

  function folder(): string {
    folders += 1
    const path = join(root, String(folders))
    mkdirSync(path, { recursive: true })
    return path
  }

  /** Supervises a child: disposal of the bench ends it; an exit before that is an error. */
  function tended(child: ChildProcess, name: string): { gone: Promise<never>; stop: () => Promise<void> } {
    children.add(child)
    let wanted = false
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const gone = new Promise<never>((_, reject) => {
      child.once('exit', (code, signal) => {
        children.delete(child)
        if (!wanted) reject(new Error(`${name} ended by itself with ${code ?? signal}`))
      })
      child.once('error', reject)
    })
    gone.catch(() => {}) // reported to the caller that awaits it
    const one = {
      gone,
      stop: async () => {
        wanted = true
        running.delete(one)
        child.kill('SIGTERM')
        await Promise.race([exited, pause(15_000).then(() => child.kill('SIGKILL'))])
      },
    }
    running.add(one)
    return one
  }

  function started(args: readonly string[], env: Record<string, string>, announced: RegExp): Promise<Peer> {
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const { gone, stop } = tended(child, args.join(' '))
    let said = ''
    const told = new Promise<Peer>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        if (said === announcedAlready) return
        said += chunk.toString()
        const url = announced.exec(said)?.[1]
        if (url === undefined) return
        said = announcedAlready
        resolve({ url, pid: child.pid ?? 0, stop })
      })
    })
    return Promise.race([told, gone, tooLate(args.join(' '))])
  }

  async function program(command: string, args: readonly string[], url: string): Promise<Peer> {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore'], cwd: folder() })
    const { gone, stop } = tended(child, command)
    const answers = async () => {
      while (!(await fetch(url).catch(() => undefined))?.ok) await pause(50)
    }
    await Promise.race([answers(), gone, tooLate(command)])
    return { url, pid: child.pid ?? 0, stop }
  }

  function client(file: string): Client {
    const child = fork(`test/bench/peers/${file}`, { env: { PATH: process.env['PATH'] ?? '' } })
    const { gone, stop } = tended(child, file)
    const answered = <T>() =>
      new Promise<T>((resolve, reject) => {
        child.once('message', (answer: { error?: string }) =>
          answer.error === undefined ? resolve(answer as T) : reject(new Error(`${file}: ${answer.error}`)),
        )
      })
    return {
      ask: <T>(question: object) => {
        const answer = answered<T>()
        child.send(question)
        return Promise.race([answer, gone])
      },
      stop,
    }
  }

  return {
    bin,
    seconds,
    long,
    folder,
    program,
    client,
    daemon: (args, { env = {} } = {}) => {
      const home = folder()
      const flags = ['--host', 'localhost', '--port', '0', ...args]
      return started(
        [...daemonFlags(), bin, 'serve', ...flags],
        { HOME: home, XDG_STATE_HOME: join(home, 'state'), ...env },
        /"url":"([^"]+)".*"listening"/,
      )
    },
    peer: (file, input) => {
      const path = join(folder(), 'input.json')
      writeFileSync(path, JSON.stringify(input ?? null))
      return started([`test/bench/peers/${file}`, path], {}, /(http:\S+)\n/)
    },
    load: (url, options = {}) => load(url, { seconds, folder: folder(), ...options }),
    slice: (url, options = {}) => load(url, { seconds: 1, folder: folder(), ...options }),
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map(({ stop }) => stop()))
      process.off('exit', endAll)
      rmSync(root, { recursive: true, force: true })
    },
  }
}

const announcedAlready = '\n'

async function tooLate(name: string): Promise<never> {
  await pause(maxStartMs, undefined, { ref: false })
  throw new Error(`${name} did not answer within ${maxStartMs} ms`)
}
