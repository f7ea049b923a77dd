import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { queryNameserver } from '../../../src/sources/dns/dns-query.ts'
import { dns } from '../../../src/sources/dns/dns.ts'
import { freePort, installed, startProgram } from '../../programs.ts'
import { errorIn, namesIn, runSource } from '../poll-source.ts'
import { toolsWith } from '../source-tools.ts'

const knot = installed('knotd')
const skip = knot === undefined ? 'knotd is not installed' : false

const zone = (serial: number, records: readonly string[]) => `$ORIGIN example.org.
$TTL 300
@ SOA ns admin ${serial} 60 60 3600 60
@ NS ns
ns A 127.0.0.1
${records.join('\n')}
`
const many = Array.from({ length: 200 }, (_, index) => `_mcp._tcp 7 SRV ${index % 3} 10 8080 server-${index}`)

const config = (folder: string, port: number) => `
server:
  rundir: ${folder}
  listen: [ 127.0.0.1@${port}, ::1@${port} ]
log:
  - target: stderr
    any: warning
database:
  storage: ${folder}
template:
  - id: default
    storage: ${folder}/zones
zone:
  - domain: example.org
    file: example.org.zone
  - domain: broken.example
    file: missing.zone
`

/** A real knot with a zone of its own. A broken zone answers SERVFAIL, a foreign one REFUSED. */
async function startKnot(records: readonly string[]) {
  const port = await freePort()
  let serial = 1
  const file = (folder: string) => join(folder, 'zones', 'example.org.zone')
  const program = await startProgram(knot ?? '', async (folder) => {
    await mkdir(join(folder, 'zones'))
    await writeFile(file(folder), zone(serial, records))
    await writeFile(join(folder, 'knot.conf'), config(folder, port))
    return ['-c', join(folder, 'knot.conf')]
  })
  const answers = async (isRight: (count: number) => boolean) => {
    const question = { name: '_mcp._tcp.example.org', type: 'SRV' } as const
    const limits = { timeoutMs: 500, signal: new AbortController().signal }
    const { answers, header } = await queryNameserver({ address: '127.0.0.1', port }, question, limits)
    return header.rcode !== 2 && isRight(answers.length)
  }
  await program.until(() => answers((count) => count === records.length))

  /** Replaces the records of the zone. */
  async function publish(next: readonly string[]): Promise<void> {
    serial += 1
    await writeFile(file(program.folder), zone(serial, next))
    program.signal('SIGHUP')
    await program.until(() => answers((count) => count === next.filter((line) => line.includes('SRV')).length))
  }

  return { ...program, publish, port }
}

function look(config: Record<string, unknown>) {
  const whole = { type: 'dns', resolv_conf: '/nowhere', ...config }
  return runSource(dns.open(dns.config.parse(whole), toolsWith()))
}

describe('the source dns with a real nameserver (knot)', { skip }, () => {
  it('reads the complete answer after a truncated one, over IPv4 and IPv6', async () => {
    await using server = await startKnot(many)
    for (const nameserver of [`127.0.0.1:${server.port}`, `[::1]:${server.port}`]) {
      await using source = look({ records: ['_mcp._tcp.example.org'], nameservers: [nameserver] })
      assert.equal(namesIn((await source.next())[0]).length, 200)
    }
  })

  it('distinguishes NXDOMAIN and an empty answer from SERVFAIL and REFUSED', async () => {
    await using server = await startKnot(many.slice(0, 3))
    const records = [
      '_mcp._tcp.example.org',
      'none.example.org',
      'ns.example.org',
      'a.broken.example',
      'foreign.example',
    ]
    await using source = look({ records, nameservers: [`127.0.0.1:${server.port}`] })

    const [good, nxdomain, nodata, servfail, refused] = await source.next()

    assert.equal(namesIn(good).length, 3)
    assert.deepEqual([namesIn(nxdomain), namesIn(nodata)], [[], []])
    assert.match(errorIn(servfail).message, /SERVFAIL/)
    assert.match(errorIn(refused).message, /REFUSED/)
  })

  it('follows changes of the zone, and reports an error while the server is down', async () => {
    await using server = await startKnot(many.slice(0, 3))
    await using source = look({
      records: ['_mcp._tcp.example.org'],
      nameservers: [`127.0.0.1:${server.port}`],
      timeout: 0.2,
    })
    const [first] = await source.next()
    assert.equal(namesIn(first).length, 3)
    assert.equal((await source.refresh())[0], first)

    await server.publish(['_mcp._tcp 7 SRV 0 0 443 storm', '_mcp._tcp TXT "path=/rpc" "title=Storm"'])
    const [second] = await source.refresh()
    assert.deepEqual(namesIn(second), ['storm.example.org:443'])
    assert.match(JSON.stringify(second), /https:\/\/storm\.example\.org:443\/rpc/)

    await server.stop()
    assert.match(errorIn((await source.refresh())[0]).message, /refused|did not answer/)
  })
})
