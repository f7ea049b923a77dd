import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ServerStoreConfig, StoreConfig } from '../../../src/stores/config.ts'
import { connectionSettings } from '../../../src/stores/sql/connection-settings.ts'

const parseStore = (fields: Record<string, unknown>) =>
  StoreConfig.parse({ type: 'postgres', ...fields }) as ServerStoreConfig

describe('the URL of a database server', () => {
  it('is parsed, and single settings override it', () => {
    const url = 'postgres://us%40er:p%3A%2Fw@[::1]:6000/na%20me'

    const { tls, ...settings } = connectionSettings(parseStore({ url, user: 'other' }))

    assert.equal(tls, undefined)
    assert.deepEqual(settings, {
      host: '::1',
      port: 6000,
      database: 'na me',
      user: 'other',
      password: 'p:/w',
      tlsOptional: false,
      label: 'postgres at ::1:6000/na me',
    })
  })

  it('may name the folder of a Unix socket', () => {
    assert.equal(
      connectionSettings(parseStore({ url: 'postgres:///roster?host=/run/postgresql' })).host,
      '/run/postgresql',
    )
  })

  it('defaults to localhost and the port of the database', () => {
    assert.equal(connectionSettings(parseStore({})).label, 'postgres at localhost:5432/mcp_roster')
    assert.equal(
      connectionSettings(StoreConfig.parse({ type: 'mysql' }) as ServerStoreConfig).label,
      'mysql at localhost:3306/mcp_roster',
    )
  })

  const tlsModes: [string, object | undefined, boolean][] = [
    ['sslmode=disable', undefined, false],
    ['sslmode=prefer', { rejectUnauthorized: false }, true],
    ['sslmode=require', { rejectUnauthorized: false }, false],
    ['sslmode=verify-full', { rejectUnauthorized: true }, false],
    ['ssl-mode=VERIFY_IDENTITY', { rejectUnauthorized: true }, false],
    ['ssl=true', { rejectUnauthorized: true }, false],
  ]
  for (const [query, expected, optional] of tlsModes) {
    it(`with ${query} configures TLS`, () => {
      const settings = connectionSettings(parseStore({ url: `postgres://h/d?${query}` }))

      assert.deepEqual(settings.tls, expected)
      assert.equal(settings.tlsOptional, optional)
    })
  }

  it('that is invalid, or names an unsupported mode or a missing file, is refused without its password', () => {
    const urls = [
      'postgres://u:hu/sh#@h:bad/d',
      'postgres://u:hush@h/d?sslmode=perhaps',
      'postgres://u:hush@h/d?sslmode=verify-full&sslrootcert=/no/such/file',
    ]
    for (const url of urls) {
      assert.throws(
        () => connectionSettings(parseStore({ url })),
        (error: Error) => error.name === 'StoreRefusal' && !error.message.includes('hu'),
        url,
      )
    }
  })
})
