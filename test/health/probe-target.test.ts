import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProbeTarget, probeTargetKey } from '../../src/health/probe-target.ts'
import { registered } from '../builders.ts'

const url = 'http://weather.example/mcp'

describe('probe target', () => {
  it('is shared by servers with the same URL, kind of probe, headers and reach', () => {
    const base = { ...registered({ name: 'one', url }), reach: 'any' } as const
    const others = [
      registered({ url: `${url}2` }),
      registered({ url, health_check: 'tcp' }),
      registered({ url, headers: { authorization: 'other' } }),
    ].map((server) => ({ ...server, reach: 'any' }) as const)

    assert.equal(probeTargetKey({ ...registered({ name: 'two', url }), reach: 'any' }), probeTargetKey(base))
    for (const other of [...others, { ...base, reach: 'private' } as const])
      assert.notEqual(probeTargetKey(other), probeTargetKey(base))
  })

  it('does not exist where nothing can be probed', () => {
    for (const fields of [{ enabled: false }, { health_check: 'none' }, { url: 'http://${HOST}/mcp' }] as const)
      assert.equal(probeTargetKey({ ...registered(fields), reach: 'any' }), undefined)
  })

  it('has the host and port on which its load falls', () => {
    const hosts = ['http://a.example/mcp', 'https://a.example/mcp', 'http://a.example:8080/x', 'http://[::1]:9/']

    assert.deepEqual(
      hosts.map((text) => createProbeTarget('key', registered({ url: text }), new Set()).host),
      ['a.example:80', 'a.example:443', 'a.example:8080', '[::1]:9'],
    )
  })
})
