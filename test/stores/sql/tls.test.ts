import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { StoreConfig } from '../../../src/stores/config.ts'
import { openStore } from '../../../src/stores/open.ts'
import { put, registrationIn, until } from '../builders.ts'
import { mysqlMissing, startMysql } from '../databases/mysql.ts'
import { postgresMissing, query, startPostgres } from '../databases/postgres.ts'

/** A self-signed certificate for `localhost`; undefined without openssl. */
function makeCertificate() {
  const folder = mkdtempSync(join(tmpdir(), 'roster-tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert, ...subject],
      { stdio: 'ignore' },
    )
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
  chmodSync(folder, 0o755)
  chmodSync(key, 0o600)
  if (process.getuid?.() === 0 && postgresMissing() === undefined) execFileSync('chown', ['postgres', key])
  return { folder, key, cert }
}

const certificate = makeCertificate()
after(() => certificate && rmSync(certificate.folder, { recursive: true }))

const open = (url: string) =>
  openStore(StoreConfig.parse({ type: url.startsWith('mysql') ? 'mysql' : 'postgres', url }), { log: silent })

/** Tests of the TLS modes, the same for both database servers. */
function testTlsModes(url: (host: string, query: string) => string): void {
  const { cert = '' } = certificate ?? {}
  const accepted: [string, string, string][] = [
    ['encrypts with sslmode=require without verifying the certificate', '127.0.0.1', 'sslmode=require'],
    ['accepts a certificate of a configured CA', 'localhost', `sslmode=verify-full&sslrootcert=${cert}`],
    [
      'accepts the certificate of another host with sslmode=verify-ca',
      '127.0.0.1',
      `sslmode=verify-ca&sslrootcert=${cert}`,
    ],
    ['connects without TLS with sslmode=disable', '127.0.0.1', 'sslmode=disable'],
  ]
  for (const [what, host, query] of accepted) {
    it(what, async () => {
      await using store = await open(url(host, query))
      registrationIn((await store.commit([put()]))[0])
    })
  }

  const rejected: [string, string, string][] = [
    ['rejects a self-signed certificate without a configured CA', 'localhost', 'sslmode=verify-full'],
    [
      'rejects the certificate of another host with sslmode=verify-full',
      '127.0.0.1',
      `sslmode=verify-full&sslrootcert=${cert}`,
    ],
  ]
  for (const [what, host, query] of rejected) {
    it(what, async () => {
      await assert.rejects(open(url(host, query)), /over TLS/)
    })
  }
}

const noOpenssl = certificate === undefined ? 'openssl is not installed' : undefined

describe('PostgreSQL over TLS', { skip: noOpenssl ?? postgresMissing() }, () => {
  let server: Awaited<ReturnType<typeof startPostgres>>
  let base: string
  before(async () => {
    const { key, cert } = certificate!
    server = await startPostgres()
    base = await server.create()
    await query(base, `ALTER SYSTEM SET ssl_cert_file = '${cert}'`)
    await query(base, `ALTER SYSTEM SET ssl_key_file = '${key}'`)
    await encrypt('on')
  })
  after(() => server[Symbol.asyncDispose]())

  async function encrypt(ssl: 'on' | 'off'): Promise<void> {
    await query(base, `ALTER SYSTEM SET ssl = ${ssl}`)
    await query(base, 'SELECT pg_reload_conf()')
    await until(async () => (await query(base, 'SHOW ssl'))[0]?.['ssl'] === ssl)
  }

  testTlsModes((host, query) => `${base.replace('@127.0.0.1', `@${host}`)}?${query}`)

  it('is used with sslmode=prefer where the server supports it', async () => {
    await using _ = await open(`${base}?sslmode=prefer`)

    const rows = await query(
      base,
      "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'mcp-roster'",
    )

    assert.ok(rows.length > 0 && rows.every(({ ssl }) => ssl === true))
  })

  it('is optional with sslmode=prefer and mandatory with sslmode=require', async () => {
    await encrypt('off')

    await using store = await open(`${base}?sslmode=prefer`)
    registrationIn((await store.commit([put()]))[0])
    await assert.rejects(open(`${base}?sslmode=require`), { name: 'StoreUnavailable' })
  })
})

describe('MySQL over TLS', { skip: noOpenssl ?? mysqlMissing() }, () => {
  let server: Awaited<ReturnType<typeof startMysql>>
  let base: string
  before(async () => {
    const { key, cert } = certificate!
    server = await startMysql([`--ssl-cert=${cert}`, `--ssl-key=${key}`])
    base = await server.create()
  })
  after(() => server[Symbol.asyncDispose]())

  testTlsModes((host, query) => `${base.replace('@127.0.0.1', `@${host}`)}?${query}`)
})
