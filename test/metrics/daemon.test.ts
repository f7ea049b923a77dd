import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { countRequests, daemonMetrics } from '../../src/metrics/daemon.ts'
import { samplesOf } from './samples.ts'

const withoutDescriptors = (samples: readonly string[]) =>
  samples.filter((line) => !line.startsWith('process_open_fds'))

describe('metrics of the daemon', () => {
  it('count requests, connections, watchers and the last reload', () => {
    const samples = samplesOf(
      daemonMetrics({
        version: '1.2.3',
        http: { counts: () => new Map([['GET 200', 5]]), connections: () => 3 },
        watchers: () => ({ watchers: 4, disconnects: { slow: 1 } }),
        reload: () => ({ successful: false, at: 1_767_225_600_000 }),
      }),
    )

    assert.deepEqual(withoutDescriptors(samples), [
      'roster_http_requests_total{method="GET",code="200"} 5',
      'roster_http_connections 3',
      'roster_watchers 4',
      'roster_watchers_evicted_total{reason="slow"} 1',
      'roster_build_info{version="1.2.3"} 1',
      'roster_config_last_reload_successful 0',
      'roster_config_last_reload_timestamp_seconds 1767225600',
    ])
  })

  it('omit the parts that the daemon does not have', () => {
    assert.deepEqual(withoutDescriptors(samplesOf(daemonMetrics({ version: '1.2.3' }))), [
      'roster_build_info{version="1.2.3"} 1',
    ])
  })

  it(
    'count the open file descriptors',
    { skip: process.platform !== 'linux' && 'only Linux reports them' },
    async () => {
      const count = () => {
        const line = samplesOf(daemonMetrics({ version: '' })).find((sample) => sample.startsWith('process_open_fds'))
        return Number(line?.split(' ')[1])
      }
      const before = count()
      const files = await Promise.all(Array.from({ length: 5 }, () => open(import.meta.filename)))

      const after = count()
      await Promise.all(files.map((file) => file.close()))

      assert.ok(before > 0)
      assert.equal(after, before + 5)
    },
  )
})

describe('number of requests', () => {
  it('is the sum over all methods and matching statuses', () => {
    const counts = new Map([
      ['GET 200', 5],
      ['GET 404', 2],
      ['POST 500', 1],
    ])
    assert.equal(countRequests(counts), 8)
    assert.equal(
      countRequests(counts, (status) => status >= 400),
      3,
    )
  })
})
