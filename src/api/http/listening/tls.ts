import { readFileSync } from 'node:fs'
import type { Log } from '../../../log.ts'
import type { ListenTls } from '../../config/listen.ts'

/** A certificate and its private key. */
export type CertificatePair = { readonly cert: Buffer; readonly key: Buffer }

/** The certificate cannot be used. */
export class CertificateError extends Error {
  override name = 'CertificateError'

  constructor(reason: string, options?: ErrorOptions) {
    super(`listen.tls: ${reason}`, options)
  }
}

/** Throws where the files cannot be read or do not belong together. */
export function readPair({ cert, key }: ListenTls): CertificatePair {
  const pair = { cert: readPem(cert), key: readPem(key) }
  try {
    process.getBuiltinModule('node:tls').createSecureContext(pair)
  } catch (error) {
    throw new CertificateError(`${cert} and ${key} are not a certificate and its key`, { cause: error })
  }
  return pair
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
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
 * Calls `use` whenever the files hold another valid pair. Logs an invalid pair once; the old one stays in use.
 *
 * Reads the files every `everyMs` instead of watching them: mounted secrets are swapped by links that no watch follows, and
 * a watch misses changes from before its start.
 */
export function watchPair(
  files: ListenTls,
  { use, log, everyMs }: { use: (pair: CertificatePair) => void; log: Log; everyMs: number },
): () => void {
  let last = readPair(files)
  let lastError = ''

  function check(): void {
    try {
      const pair = readPair(files)
      lastError = ''
      if (pair.cert.equals(last.cert) && pair.key.equals(last.key)) return
      use(pair)
      last = pair
      log.info({ cert: files.cert }, 'certificate changed')
    } catch (error) {
      if (String(error) === lastError) return
      lastError = String(error)
      log.warn({ err: error, cert: files.cert }, 'certificate could not be read, the old one stays in use')
    }
  }

  const timer = setInterval(check, everyMs).unref()
  return () => clearInterval(timer)
}
