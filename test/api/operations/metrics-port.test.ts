import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Listen } from '../../../src/api/config/listen.ts'
import { openMetricsPort } from '../../../src/api/operations/metrics-port.ts'
import { silent } from '../../../src/log.ts'
import { limits, raw, read } from '../served-api.ts'

describe('the metrics port', () => {
  it('serves the host names of the current config, case-insensitively', async () => {
    const listen = Listen.parse({ host: '127.0.0.1', hosts: ['Metrics.Example'] })
    let { hosts } = listen
    const text = () => Promise.resolve('roster_servers 1\n')
    await using opened = await openMetricsPort({ listen, hosts: () => hosts, port: 0, text, limits, log: silent })
    const statusAs = async (host: string) =>
      read(await raw(opened.port, `GET /metrics HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)).status

    assert.deepEqual([await statusAs('metrics.example'), await statusAs('later.example')], [200, 421])
    hosts = ['later.example']
    assert.deepEqual([await statusAs('metrics.example'), await statusAs('later.example')], [421, 200])
  })

  it('serves only the host names of the config beyond loopback too, where it has some', async () => {
    const listen = Listen.parse({ host: '0.0.0.0', hosts: ['metrics.example'] })
    const text = () => Promise.resolve('roster_servers 1\n')
    await using opened = await openMetricsPort({
      listen,
      hosts: () => listen.hosts,
      port: 0,
      text,
      limits,
      log: silent,
    })
    const statusAs = async (host: string) =>
      read(await raw(opened.port, `GET /metrics HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)).status

    assert.deepEqual(
      await Promise.all(['metrics.example', '10.1.2.3:9000', 'evil.example'].map(statusAs)),
      [200, 200, 421],
    )
  })

  it('serves GET and HEAD of /metrics only', async () => {
    const listen = Listen.parse({ host: '127.0.0.1' })
    const text = () => Promise.resolve('roster_servers 1\n')
    await using opened = await openMetricsPort({ listen, hosts: () => [], port: 0, text, limits, log: silent })
    const request = async (line: string) =>
      read(await raw(opened.port, `${line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)).status

    assert.equal(await request('GET /metrics/prometheus'), 200)
    assert.equal(await request('HEAD /'), 200)
    assert.equal(await request('POST /metrics'), 405)
    assert.equal(await request('GET /servers'), 404)
  })
})
