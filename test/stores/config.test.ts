import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StoreConfig, storeFromUrl } from '../../src/stores/config.ts'

describe('the URL of a store', () => {
  const urls: [string, object][] = [
    ['mcp_mesh_registry.db', { type: 'sqlite', path: 'mcp_mesh_registry.db' }],
    ['/var/lib/roster.db', { type: 'sqlite', path: '/var/lib/roster.db' }],
    ['sqlite:///var/lib/roster.db', { type: 'sqlite', path: '/var/lib/roster.db' }],
    ['sqlite:////var/lib/roster.db', { type: 'sqlite', path: '/var/lib/roster.db' }],
    ['sqlite://roster.db?mode=rwc', { type: 'sqlite', path: 'roster.db' }],
    [':memory:', { type: 'memory' }],
    ['sqlite://:memory:', { type: 'memory' }],
    ['postgres://u:p@h/d', { type: 'postgres', url: 'postgres://u:p@h/d' }],
    ['postgresql+asyncpg://u:p@h/d', { type: 'postgres', url: 'postgresql://u:p@h/d' }],
    ['mysql://u:p@h/d', { type: 'mysql', url: 'mysql://u:p@h/d' }],
    ['mariadb://u:p@h/d', { type: 'mysql', url: 'mariadb://u:p@h/d' }],
  ]
  for (const [url, store] of urls) it(`${url} gives its store`, () => assert.deepEqual(storeFromUrl(url), store))

  it('with an unsupported scheme is refused without its password', () => {
    assert.throws(
      () => storeFromUrl('mongodb://user:hush@host/db'),
      (error: Error) => /"mongodb:\/\/"/.test(error.message) && !error.message.includes('hush'),
    )
  })
})

describe('the config of a store', () => {
  it('rejects unknown types, fields and schemes, and values out of range', () => {
    assert.throws(() => StoreConfig.parse({ type: 'oracle' }))
    assert.throws(() => StoreConfig.parse({ type: 'memory', path: 'x' }))
    assert.throws(() => StoreConfig.parse({ type: 'postgres', url: 'http://x' }))
    assert.throws(() => StoreConfig.parse({ type: 'postgres', max_pool_size: 1 }))
  })
})
