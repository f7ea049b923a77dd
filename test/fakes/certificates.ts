import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Certificate = { readonly key: string; readonly cert: string }

/** Makes a self-signed certificate for 127.0.0.1 with the system's `openssl`, valid for a day. */
export function selfSignedCertificate(): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'roster-cert-'))
  const file = (name: string) => join(directory, name)
  try {
    const options = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=fake',
    ]
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    const files = ['-keyout', file('key.pem'), '-out', file('cert.pem')]
    execFileSync('openssl', ['req', '-x509', ...options, ...names, ...files], { stdio: 'pipe' })
    return { key: readFileSync(file('key.pem'), 'utf8'), cert: readFileSync(file('cert.pem'), 'utf8') }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The reason to skip tests that need certificates; false if `openssl` is installed. */
export function skipWithoutOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return false
  } catch {
    return 'openssl is not installed'
  }
}
