import { readFileSync } from 'node:fs'
import type { Log } from '../../../log.ts'
import type { ListenTls } from '../../config/listen.ts'

export type Pair = { readonly cert: Buffer; readonly key: Buffer }

/** Why HTTPS cannot be served. */
export class CertificateError extends Error {
  override name = 'CertificateError'

  constructor(reason: string, options?: ErrorOptions) {
    super(`listen.tls: ${reason}`, options)
  }
}

/** Reads a certificate and its key; throws where they cannot be read or do not belong together. */
export function readPair({ cert, key }: ListenTls): Pair {
  const pair = { cert: readPem(cert), key: readPem(key) }
  try {
    process.getBuiltinModule('node:tls').createSecureContext(pair)
  } catch (error) {
    throw new CertificateError(`${cert} and ${key} are no certificate with its key`, { cause: error })
  }
  return pair
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  ENOTDIR: 'is not there',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory, not a file',
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new CertificateError(`${file} ${reasons[code] ?? `cannot be read (${code})`}`, { cause: error })
  }
}

/**
 * Calls `use` whenever the files hold another good pair; a bad pair is logged once and the old one goes on.
 *
 * Reads the files themselves every `everyMs`, since mounted secrets are swapped by links that no watch follows, and what
 * changes before a watch has begun is never told by it.
 */
export function watchPair(
  files: ListenTls,
  { use, log, everyMs }: { use: (pair: Pair) => void; log: Log; everyMs: number },
): () => void {
  let last = readPair(files)
  let complaint = ''

  function look(): void {
    try {
      const pair = readPair(files)
      complaint = ''
      if (pair.cert.equals(last.cert) && pair.key.equals(last.key)) return
      use(pair)
      last = pair
      log.info({ cert: files.cert }, 'certificate changed, new connections use it')
    } catch (error) {
      if (String(error) === complaint) return
      complaint = String(error)
      log.warn({ err: error, cert: files.cert }, 'certificate could not be read, the old one goes on')
    }
  }

  const timer = setInterval(look, everyMs).unref()
  return () => clearInterval(timer)
}
