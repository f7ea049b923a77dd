import { createDebounce } from '../flow/debounce.ts'
import { readConfigFile } from './loading/config-file.ts'

/**
 * Calls `onChange` whenever the content of the config file has changed and settled, until `signal` aborts.
 *
 * Only content counts: touching the file, or rewriting the same text, changes nothing. A file that is missing or unreadable
 * leaves the running config in place. `onChange` handles its own failures.
 */
export function watchConfig({
  file,
  initialText,
  signal,
  onChange,
  quietMs = 100,
  rescanMs = 30_000,
}: {
  file: string
  /** The text that the running config was read from: the file may have changed since. */
  initialText: string
  signal: AbortSignal
  onChange: () => void | Promise<void>
  quietMs?: number
  /** Interval of a read without an event, for changes that the file system does not report. */
  rescanMs?: number
}): { readonly ready: Promise<void> } {
  let currentText = initialText
  const debounce = createDebounce({ act: check, quietMs })

  async function check(): Promise<void> {
    const text = await readIfPossible(file)
    if (text === undefined || text === currentText || signal.aborted) return
    currentText = text
    await onChange()
  }

  async function start(): Promise<void> {
    await check()
    const { watch } = await import('chokidar')
    if (signal.aborted) return
    const watcher = watch(file, { ignoreInitial: true })
    watcher.on('all', debounce.trigger)
    watcher.on('error', () => undefined) // Out of file watches: the rescan continues.
    const timer = setInterval(debounce.trigger, rescanMs)
    timer.unref()
    signal.addEventListener('abort', () => {
      clearInterval(timer)
      debounce.close()
      void watcher.close()
    })
    await new Promise<void>((resolve) => void watcher.once('ready', resolve))
    await check()
  }

  return { ready: start() }
}

async function readIfPossible(file: string): Promise<string | undefined> {
  try {
    return await readConfigFile(file)
  } catch {
    return undefined // The running config stays.
  }
}
