import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseSrvTargets, parseTxtAttributes, srvTargetEntry } from '../../../src/sources/dns/srv-targets.ts'
import { srv, txt } from './test-nameserver.ts'

type Records = Parameters<typeof parseSrvTargets>[0]
const record = '_mcp._tcp.example.org'

describe('SRV targets', () => {
  it('are ordered by name, each once, with the best priority and weight', () => {
    const records = [
      srv(record, 'b.example', 1, { priority: 2, weight: 9 }),
      srv(record, 'A.example.', 1, { priority: 2, weight: 1 }),
      srv(record, 'a.example', 1, { priority: 2, weight: 5 }),
      srv(record, '.', 0),
    ] as unknown as Records
    assert.deepEqual(parseSrvTargets(records), [
      { host: 'a.example', port: 1, priority: 2, weight: 5 },
      { host: 'b.example', port: 1, priority: 2, weight: 9 },
    ])
  })

  it('use TLS on port 443 and 8443 unless stated otherwise', () => {
    const urlOf = (port: number, ...texts: string[]) => {
      const attributes = parseTxtAttributes([txt(record, ...texts)] as unknown as Records)
      const target = { host: 'a.example', port, priority: 0, weight: 0 }
      const entry = srvTargetEntry(target, attributes, { path: '/mcp', record })
      return 'value' in entry ? (entry.value as { url: string }).url : undefined
    }
    assert.equal(urlOf(443), 'https://a.example:443/mcp')
    assert.equal(urlOf(8443), 'https://a.example:8443/mcp')
    assert.equal(urlOf(8443, 'tls=no'), 'http://a.example:8443/mcp')
    assert.equal(urlOf(80), 'http://a.example:80/mcp')
    assert.equal(urlOf(0), undefined)
  })
})

describe('TXT attributes', () => {
  it('count once, in any case, independent of the order of records', () => {
    const attributes = (...texts: string[]) => [
      ...parseTxtAttributes(texts.map((text) => txt(record, text)) as unknown as Records),
    ]
    const expected = [['path', '/a']]
    assert.deepEqual(attributes('PATH=/a', 'path=/b'), expected)
    assert.deepEqual(attributes('path=/b', 'PATH=/a'), expected)
  })
})
