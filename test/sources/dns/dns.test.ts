import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openDoor } from '../../../src/flow/door.ts'
import { silent } from '../../../src/log.ts'
import { dns } from '../../../src/sources/dns/dns.ts'
import { namesIn, start } from '../looking.ts'
import { nxdomain, srv, startNameserver, txt } from './nameserver.ts'

const record = '_mcp._tcp.example.org'

function look(config: Record<string, unknown>) {
  const whole = { type: 'dns', records: [record], resolv_conf: '/nowhere/resolv.conf', ...config }
  return start(dns.open(dns.config.parse(whole), { log: silent, env: {}, door: openDoor() }))
}

it('lists the targets of a service, with what its TXT record says', async () => {
  using server = await startNameserver(({ type }) =>
    type === 33
      ? {
          answers: [
            srv(record, 'storm.example.org', 443),
            srv(record, 'Weather.example.org.', 8080, { priority: 5, weight: 9 }),
          ],
        }
      : type === 16
        ? { answers: [txt(record, 'path=/rpc', 'tags=geo, free')] }
        : nxdomain,
  )
  await using source = look({ nameservers: [server.address] })

  const [reading] = await source.next()

  assert.deepEqual(namesIn(reading), ['storm.example.org:443', 'weather.example.org:8080'])
})
