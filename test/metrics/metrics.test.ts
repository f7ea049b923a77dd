import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { silent } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import type { RegisteredServer } from '../../src/model/change.ts'
import { Reason } from '../../src/model/health.ts'
import type { SourceStatus } from '../../src/model/status.ts'
import { createCounters } from '../../src/registry/counters.ts'
import { openMemory } from '../../src/stores/memory.ts'
import type { StoreState } from '../../src/stores/store.ts'
import { registered } from '../made.ts'

function source(fields: Partial<SourceStatus> = {}): SourceStatus {
  return {
    name: 'file',
    type: 'file',
    state: 'synced',
    servers: 3,
    shadowed: 0,
    rejected: 1,
    origins: [],
    rejections: [],
    consecutive_failures: 0,
    restarts: 2,
    last_success: '2026-01-01T00:00:00.000Z',
    ...fields,
  }
}

const stats = {
  targets: 5,
  in_flight: 1,
  overdue: 0,
  probes: {
    ...(Object.fromEntries(Reason.options.map((reason) => [reason, 0])) as Record<Reason, number>),
    refused: 2,
  },
  duration_ms: { sum: 1500, count: 3 },
  disregarded: 0,
}

/** A registry of which nothing else is asked. */
function registryOf(servers: readonly RegisteredServer[]) {
  const counters = createCounters()
  counters.apply(servers.map((now) => ({ type: 'ADDED', now })))
  return { revision: () => 7, counters: counters.read }
}

const empty = { version: '1.2.3', registry: registryOf([]), sources: () => [] }

describe('the metrics', () => {
  it('are numbers from the first scrape on', async () => {
    const text = await createMetrics(empty).text()
    const odd = text.split('\n').filter((line) => !line.startsWith('#') && /\s(nan|[+-]?inf.*)$/i.test(line))
    assert.deepEqual(odd, [])
    assert.ok(Number(/^nodejs_eventloop_lag_min_seconds (\S+)/m.exec(text)?.[1]) < 60)
  })

  it('say what the registry holds, without naming a server', async () => {
    const registry = registryOf([
      registered({ name: 'canary-name', status: 'healthy', shadows: [{ source: 'env', origin: 'x' }] }),
      registered({ name: 'other', status: 'healthy', stale: true }),
      registered({ name: 'third', enabled: false, status: 'unknown' }),
    ])
    const text = await createMetrics({ ...empty, registry }).text()

    assert.match(text, /^roster_registry_revision 7$/m)
    assert.match(text, /^roster_servers\{status="healthy",enabled="true"\} 2$/m)
    assert.match(text, /^roster_servers\{status="unknown",enabled="false"\} 1$/m)
    assert.match(text, /^roster_servers_stale 1$/m)
    assert.match(text, /^roster_conflicts 1$/m)
    assert.match(text, /^roster_build_info\{version="1\.2\.3"\} 1$/m)
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m)
    assert.doesNotMatch(text, /canary/)
  })

  it(
    'count the open descriptors, and walk over no connection for it',
    { skip: process.platform !== 'linux' && 'only Linux tells them' },
    async () => {
      const metrics = createMetrics(empty)
      const opened = async () => Number(/^process_open_fds (\d+)$/m.exec(await metrics.text())?.[1])
      const before = await opened()
      const files = await Promise.all(Array.from({ length: 5 }, () => open(import.meta.filename)))

      const after = await opened()
      await Promise.all(files.map((file) => file.close()))

      assert.ok(before > 0)
      assert.equal(after, before + 5)
      assert.doesNotMatch(await metrics.text(), /^nodejs_active_handles/m)
    },
  )

  it('say how the store fares, once it is open', async () => {
    let open: StoreState | undefined
    const metrics = createMetrics({ ...empty, store: () => open })

    const before = await metrics.text()
    open = openMemory({ log: silent }).state()
    const up = await metrics.text()
    open = { ...open, status: 'down', pending: { operations: 3, heartbeats: 40 } }
    const down = await metrics.text()

    assert.match(before, /^roster_store_up 0$/m)
    assert.match(up, /^roster_store_up 1$/m)
    assert.match(down, /^roster_store_up 0$/m)
    assert.match(down, /^roster_store_waiting_writes 3$/m)
    assert.match(down, /^roster_store_waiting_beats 40$/m)
  })

  it('forget a source that is gone, and count it from where it stands', async () => {
    const sources = [source(), source({ name: 'partner', type: 'http', state: 'stale', restarts: 0 })]
    const metrics = createMetrics({ ...empty, sources: () => sources })

    const before = await metrics.text()
    sources.pop()
    const after = await metrics.text()

    assert.match(before, /^roster_source_up\{source="partner",type="http"\} 0$/m)
    assert.match(before, /^roster_source_state\{source="partner",type="http",state="stale"\} 1$/m)
    assert.match(after, /^roster_source_up\{source="file",type="file"\} 1$/m)
    assert.match(after, /^roster_source_restarts_total\{source="file",type="file"\} 2$/m)
    assert.match(after, /^roster_source_last_success_timestamp_seconds\{source="file",type="file"\} 1767225600$/m)
    assert.doesNotMatch(after, /partner/)
  })

  it('tell of requests, probes, watchers and the last reload', async () => {
    const text = await createMetrics({
      ...empty,
      suspicion: () => ({ since: 'now' }),
      http: { counts: () => new Map([['GET 200', 5]]), connections: () => 3 },
      probes: () => stats,
      watchers: () => ({ watchers: 4, disconnects: { slow: 1 } }),
      reload: () => ({ successful: false, at: 1_767_225_600_000 }),
    }).text()

    for (const line of [
      'roster_http_requests_total{method="GET",code="200"} 5',
      'roster_http_connections 3',
      'roster_probe_results_total{reason="refused"} 2',
      'roster_probes_in_flight 1',
      'roster_probe_targets 5',
      'roster_probe_duration_seconds_sum 1.5',
      'roster_probe_suspicion 1',
      'roster_watchers 4',
      'roster_watchers_evicted_total{reason="slow"} 1',
      'roster_config_last_reload_successful 0',
      'roster_config_last_reload_timestamp_seconds 1767225600',
    ]) {
      assert.ok(text.split('\n').includes(line), line)
    }
  })
})
