import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { registryMetrics } from '../../src/metrics/registry.ts'
import { createCounters } from '../../src/registry/counters.ts'
import { registered } from '../builders.ts'
import { samplesOf } from './samples.ts'

describe('metrics of the registry', () => {
  it('count servers by status, stale and shadowed ones, without naming a server', () => {
    const counters = createCounters()
    const servers = [
      registered({ name: 'canary-name', status: 'healthy', shadows: [{ source: 'env', origin: 'x' }] }),
      registered({ name: 'other', status: 'healthy', stale: true }),
      registered({ name: 'third', enabled: false, status: 'unknown' }),
    ]
    counters.apply(servers.map((now) => ({ type: 'ADDED', now })))

    const samples = samplesOf(registryMetrics({ revision: () => 7, counters: counters.read }))

    assert.deepEqual(samples, [
      'roster_registry_revision 7',
      'roster_servers{status="healthy",enabled="true"} 2',
      'roster_servers{status="unknown",enabled="false"} 1',
      'roster_servers_stale 1',
      'roster_conflicts 1',
    ])
  })
})
