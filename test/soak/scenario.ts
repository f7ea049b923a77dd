import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type Running, start, temporary } from '../e2e/daemon-process.ts'

/** Size of a run: the full figures, or smaller ones for a quick check. */
export type Effort = {
  readonly short: boolean
  /** Duration of scenarios without a fixed length. */
  readonly minutes: number
  /** Returns the full or the short figure. */
  readonly of: (full: number, short: number) => number
  /** Whether a part of a scenario runs; by `--only`, else all do. */
  readonly isChosen: (part: string) => boolean
}

/** Measured figures. */
export type Figures = Readonly<Record<string, number | string>>

/** One promise that must hold for a long time or many times. Throws where it does not. */
export type Scenario = {
  readonly name: string
  readonly what: string
  /** Maximum duration. */
  readonly limitSeconds: (effort: Effort) => number
  readonly run: (effort: Effort) => Promise<Figures>
}

/** A real daemon on a folder of files; `writeConfig` rewrites its config. `main` is its entry: sources by default, or a build. */
export async function openSoak({
  config = '{}',
  port = 0,
  main = 'src/main.ts',
}: { config?: string; port?: number; main?: string } = {}) {
  const folder = temporary()
  const writeConfig = (text: string) => writeFileSync(folder.at('config.yaml'), text)
  writeConfig(config)
  const args = ['--config', folder.at('config.yaml'), '--port', String(port)]
  const begin = () => start(args, { home: folder.path, main })
  let daemon: Running = await begin()
  return {
    folder,
    writeConfig,
    daemon: () => daemon,
    /** Restarts it on the same state. */
    again: async () => (daemon = await begin()),
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** A process by the system's figures: memory in MB, CPU time, open files, inotify watches. */
export function factsOf({ child: { pid } }: Pick<Running, 'child'>) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const fds = readdirSync(`/proc/${pid}/fd`)
  const [user, system] = (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '')
    .split(' ')
    .slice(11)
    .map(Number)
  const cpuMs = 10 * ((user ?? 0) + (system ?? 0))
  const watches = fds.reduce((sum, fd) => sum + watchesOf(`/proc/${pid}/fdinfo/${fd}`), 0)
  return { rss: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024), cpuMs, fds: fds.length, watches }
}

function watchesOf(path: string): number {
  try {
    return readFileSync(path, 'utf8').match(/^inotify wd:/gm)?.length ?? 0
  } catch {
    return 0 // It was closed meanwhile.
  }
}

/** Quantile of sorted values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}

export function metric(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
