import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Certificate = { readonly key: string; readonly cert: string }

/** A certificate for 127.0.0.1 that is its own authority, valid for a day; made by the system's `openssl`. */
export function selfSignedCertificate(): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'roster-cert-'))
  const file = (name: string) => join(directory, name)
  try {
    const kind = [
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
    execFileSync('openssl', ['req', '-x509', ...kind, ...names, ...files], { stdio: 'pipe' })
    return { key: readFileSync(file('key.pem'), 'utf8'), cert: readFileSync(file('cert.pem'), 'utf8') }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Why no certificate can be made here; false where it can. */
export function skipWithoutOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return false
  } catch {
    return 'openssl is not installed, so no certificate can be made'
  }
}
