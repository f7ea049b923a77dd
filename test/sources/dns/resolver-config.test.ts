import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { candidateNames, parseNameserver } from '../../../src/sources/dns/resolver-config.ts'

describe('the address parser of nameservers', () => {
  for (const [text, expected] of [
    ['10.0.0.53', { address: '10.0.0.53', port: 53 }],
    ['127.0.0.1:5353', { address: '127.0.0.1', port: 5353 }],
    ['::1', { address: '::1', port: 53 }],
    ['[2001:db8::53]:5353', { address: '2001:db8::53', port: 5353 }],
    ['fe80::1%eth0', { address: 'fe80::1%eth0', port: 53 }],
    ['dns.example', undefined],
    ['127.0.0.1:99999', undefined],
    ['[127.0.0.1]:53', undefined],
    ['', undefined],
  ] as const) {
    it(`${expected ? 'accepts' : 'rejects'} "${text}"`, () => assert.deepEqual(parseNameserver(text), expected))
  }
})

describe('the candidate names of a service', () => {
  const search = ['a.example', 'b.example']
  const cases: [name: string, ndots: number, names: string[]][] = [
    ['mcp.', 1, ['mcp']],
    ['mcp', 1, ['mcp.a.example', 'mcp.b.example', 'mcp']],
    ['x.mcp', 1, ['x.mcp', 'x.mcp.a.example', 'x.mcp.b.example']],
    ['x.mcp', 2, ['x.mcp.a.example', 'x.mcp.b.example', 'x.mcp']],
  ]
  for (const [name, ndots, names] of cases)
    it(`of "${name}" with ndots ${ndots} are ${names.join(', ')}`, () =>
      assert.deepEqual(candidateNames(name, { search, ndots }), names))
})
