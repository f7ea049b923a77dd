import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { ConfigError } from '../setting-origin.ts'

/** Maximum size of a config file. */
const maxBytes = 4 * 1024 * 1024

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'symbolic link loop',
}

/** Reads the text of a config file; throws a `ConfigError` with the reason where that fails. */
export async function readConfigFile(file: string): Promise<string> {
  try {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (!stats.isFile())
      throw unreadable(file, `is a ${stats.isDirectory() ? 'directory' : 'special file'}, not a file`)
    if (stats.size > maxBytes) throw unreadable(file, `exceeds ${maxBytes} bytes`)
    return await handle.readFile('utf8')
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw unreadable(file, reasons[code] ?? `cannot be read (${code})`, error)
  }
}

function unreadable(file: string, message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path: [], message: `${file}: ${message}` }], { cause })
}
