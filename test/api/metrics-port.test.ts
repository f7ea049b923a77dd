import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Listen } from '../../src/api/config/listen.ts'
import { openMetricsPort } from '../../src/api/operations/metrics-port.ts'
import { silent } from '../../src/log.ts'
import { limits, raw, read } from './served.ts'

describe('the port of the metrics', () => {
  it('answers to the names that the config gives the daemon, however spelled and since when', async () => {
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
})
