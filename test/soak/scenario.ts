import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type Running, start, temporary } from '../e2e/running.ts'

/** What one run may take: the figures of the lessons, or fewer of everything to see that it works at all. */
export type Effort = {
  readonly short: boolean
  /** For scenarios that go on as long as they are told. */
  readonly minutes: number
  /** The full figure, or the short one. */
  readonly of: (full: number, short: number) => number
}

/** What was measured, for the closing note. */
export type Figures = Readonly<Record<string, number | string>>

/** One thing that must hold for long, or many times over. It throws where it does not hold. */
export type Scenario = {
  readonly name: string
  readonly what: string
  /** Longest time it may take. */
  readonly limitSeconds: (effort: Effort) => number
  readonly run: (effort: Effort) => Promise<Figures>
}

/** A real daemon over a folder of files, with a config of its own that `configure` writes anew. */
export async function openSoak({ config = '{}', port = 0 }: { config?: string; port?: number } = {}) {
  const folder = temporary()
  const writeConfig = (text: string) => writeFileSync(folder.at('config.yaml'), text)
  writeConfig(config)
  const args = ['--config', folder.at('config.yaml'), '--port', String(port)]
  const begin = () => start(args, { home: folder.path })
  let daemon: Running = await begin()
  return {
    folder,
    writeConfig,
    daemon: () => daemon,
    /** The next life of it, over the same state. */
    again: async () => (daemon = await begin()),
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** What the system says of a process: memory in MB, time of the processor, open files, and what inotify watches for it. */
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
    return 0 // It was closed between the two looks.
  }
}

/** The value at this share of the sorted values. */
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
