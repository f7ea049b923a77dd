import { createDebounce } from '../flow/debounce.ts'
import { readConfigFile } from './loading/config-file.ts'

/**
 * Calls `onChange` whenever the content of the config file became another than the one `known`, once it has settled, until
 * `signal` aborts.
 *
 * Content decides: a file touched or rewritten as it was is no news, and neither is one that is gone or cannot be read,
 * since a config that is not there is no config. A slow look every `rescanMs` finds what no event told of. `onChange` deals with its own failures.
 */
export function watchConfig({
  file,
  known,
  signal,
  onChange,
  quietMs = 100,
  rescanMs = 30_000,
}: {
  file: string
  /** What the config that runs was read from: the file may be another by now. */
  known: string
  signal: AbortSignal
  onChange: () => void | Promise<void>
  quietMs?: number
  rescanMs?: number
}): { readonly ready: Promise<void> } {
  let newest = known
  const settle = createDebounce({ act: look, quietMs })

  async function look(): Promise<void> {
    const text = await textOf(file)
    if (text === undefined || text === newest || signal.aborted) return
    newest = text
    await onChange()
  }

  async function start(): Promise<void> {
    await look()
    const { watch } = await import('chokidar')
    if (signal.aborted) return
    const watcher = watch(file, { ignoreInitial: true })
    watcher.on('all', settle.trigger)
    watcher.on('error', () => undefined) // No watches left: the slow look goes on.
    const timer = setInterval(settle.trigger, rescanMs)
    timer.unref()
    signal.addEventListener('abort', () => {
      clearInterval(timer)
      settle.close()
      void watcher.close()
    })
    await new Promise<void>((resolve) => void watcher.once('ready', resolve))
    await look()
  }

  return { ready: start() }
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readConfigFile(file)
  } catch {
    return undefined // Gone or unreadable for now: the old one goes on.
  }
}
