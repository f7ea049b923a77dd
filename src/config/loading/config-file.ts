import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { ConfigError } from '../setting-origin.ts'

const mostBytes = 4 * 1024 * 1024

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  ELOOP: 'is a symbolic link that leads back to itself',
}

/** The text of a config file; throws a `ConfigError` that says why there is none. */
export async function readConfigFile(file: string): Promise<string> {
  try {
    // Without O_NONBLOCK, opening a FIFO would wait for somebody to write.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (!stats.isFile()) throw refusal(file, `is a ${stats.isDirectory() ? 'directory' : 'special file'}, not a file`)
    if (stats.size > mostBytes) throw refusal(file, `is larger than ${mostBytes} bytes`)
    return await handle.readFile('utf8')
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw refusal(file, reasons[code] ?? `cannot be read (${code})`, error)
  }
}

function refusal(file: string, message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path: [], message: `${file}: ${message}` }], { cause })
}
