import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { createCounters } from '../../src/registry/counters.ts'
import { sourceStatus } from './source-status.ts'

const minimal = {
  version: '1.2.3',
  registry: { revision: () => 7, counters: createCounters().read },
  sources: () => [],
}

describe('metrics as Prometheus text', () => {
  it('are finite numbers from the first scrape on', async () => {
    const text = await createMetrics(minimal).text()
    const invalid = text.split('\n').filter((line) => !line.startsWith('#') && /\s(nan|[+-]?inf.*)$/i.test(line))
    assert.deepEqual(invalid, [])
    assert.ok(Number(/^nodejs_eventloop_lag_min_seconds (\S+)/m.exec(text)?.[1]) < 60)
  })

  it('hold the metrics of the registry, the daemon and the process', async () => {
    const text = await createMetrics(minimal).text()
    assert.match(text, /^roster_registry_revision 7$/m)
    assert.match(text, /^roster_build_info\{version="1\.2\.3"\} 1$/m)
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m)
  })

  it('count descriptors without the default metrics that walk over every connection', async () => {
    const text = await createMetrics(minimal).text()
    assert.doesNotMatch(text, /^nodejs_active_handles/m)
    if (process.platform === 'linux') assert.match(text, /^process_open_fds \d+$/m)
  })

  it('drop a removed source at the next scrape', async () => {
    const sources = [sourceStatus(), sourceStatus({ name: 'partner', type: 'http', state: 'stale', restarts: 0 })]
    const metrics = createMetrics({ ...minimal, sources: () => sources })

    const before = await metrics.text()
    sources.pop()
    const after = await metrics.text()

    assert.match(before, /^roster_source_up\{source="partner",type="http"\} 0$/m)
    assert.match(before, /^roster_source_state\{source="partner",type="http",state="stale"\} 1$/m)
    assert.match(after, /^roster_source_up\{source="file",type="file"\} 1$/m)
    assert.doesNotMatch(after, /partner/)
  })

  it('set counters to their current value instead of adding it at each scrape', async () => {
    const metrics = createMetrics({ ...minimal, sources: () => [sourceStatus()] })

    await metrics.text()

    assert.match(await metrics.text(), /^roster_source_restarts_total\{source="file",type="file"\} 2$/m)
  })

  it('contain the metrics of every optional part', async () => {
    const text = await createMetrics({
      ...minimal,
      probeSelfPreservation: () => ({ since: 'now' }),
      http: { counts: () => new Map([['GET 200', 5]]), connections: () => 3 },
      watchers: () => ({ watchers: 4, disconnects: { slow: 1 } }),
      reload: () => ({ successful: false, at: 1_767_225_600_000 }),
      store: () => undefined,
    }).text()

    for (const line of [
      'roster_http_requests_total{method="GET",code="200"} 5',
      'roster_probe_suspicion 1',
      'roster_watchers 4',
      'roster_store_up 0',
      'roster_config_last_reload_timestamp_seconds 1767225600',
    ])
      assert.ok(text.split('\n').includes(line), line)
  })
})
