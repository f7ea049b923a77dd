import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Entry, Source } from '../../../src/model/source.ts'
import { dns } from '../../../src/sources/dns/dns.ts'
import { identityOf } from '../../../src/sources/documents/entry.ts'
import { keepsTheSourceContract } from '../../contracts/source.ts'
import { errorIn, namesIn, runSource } from '../poll-source.ts'
import { toolsWith } from '../source-tools.ts'
import { address, alias, nxdomain, type Reply, soa, srv, startNameserver, txt } from './test-nameserver.ts'

const record = '_mcp._tcp.example.org'
const [SRV, TXT] = [33, 16]

function open(config: Record<string, unknown>) {
  const whole = { type: 'dns', records: [record], resolv_conf: '/nowhere/resolv.conf', ...config }
  return dns.open(dns.config.parse(whole), toolsWith())
}
const look = (config: Record<string, unknown>) => runSource(open(config))

/** Answers the SRV question for the record with these targets, and says of everything else that it does not exist. */
const only =
  (...answers: readonly object[]) =>
  (question: { type: number; name: string }): Reply =>
    question.type === SRV && question.name === record ? { answers } : nxdomain

/** The contract calls servers by plain names; here they are called by where they listen. */
function withoutPorts(source: Source): Source {
  const plain = (entry: Entry) =>
    'value' in entry
      ? { ...entry, value: { ...(entry.value as object), name: identityOf(entry).name?.replace(/\..*/, '') } }
      : entry
  return async function* (run) {
    for await (const sighting of source(run)) {
      if (sighting.type === 'alive') yield sighting
      else
        yield {
          ...sighting,
          readings: sighting.readings.map((one) =>
            'entries' in one ? { ...one, entries: one.entries.map(plain) } : one,
          ),
        }
    }
  }
}

keepsTheSourceContract({
  name: 'dns',
  async open(names) {
    let published = names
    let isBroken = false
    const server = await startNameserver(({ type }) => {
      if (isBroken) return { header: { rcode: 2 } }
      if (type !== SRV) return nxdomain
      return { answers: published.map((name) => srv(record, `${name}.example.org`)) }
    })
    return {
      source: withoutPorts(open({ nameservers: [server.address] })),
      publish: (next) => void (published = next),
      break: () => void (isBroken = true),
      heal: () => void (isBroken = false),
      close: server.close,
    }
  },
})

describe('the source dns', () => {
  it('takes servers from SRV records and attributes from the TXT record', async () => {
    using server = await startNameserver(({ type }) => {
      const rank = { priority: 5, weight: 9 }
      if (type === SRV)
        return { answers: [srv(record, 'storm.example.org', 443), srv(record, 'Rain.example.org.', 8080, rank)] }
      return { answers: [txt(record, 'path=/rpc', 'tags=geo, free', 'Title=Weather = rain', 'description=All of it')] }
    })
    await using source = look({ nameservers: [server.address] })

    const [reading] = await source.next()

    assert.deepEqual(reading, {
      origin: record,
      rank: 0,
      entries: [
        {
          where: 'SRV 5 9 8080 rain.example.org',
          value: {
            name: 'rain.example.org:8080',
            title: 'Weather = rain',
            description: 'All of it',
            type: 'http',
            url: 'http://rain.example.org:8080/rpc',
            tags: ['geo', 'free'],
            metadata: { dns: { record, priority: 5, weight: 9 } },
          },
        },
        {
          where: 'SRV 0 0 443 storm.example.org',
          value: {
            name: 'storm.example.org:443',
            title: 'Weather = rain',
            description: 'All of it',
            type: 'http',
            url: 'https://storm.example.org:443/rpc',
            tags: ['geo', 'free'],
            metadata: { dns: { record, priority: 0, weight: 0 } },
          },
        },
      ],
    })
  })

  for (const [what, attributes, config, url, type] of [
    ['nothing', [], {}, 'http://a.example:8080/mcp', 'http'],
    ['a path without a slash', ['path=rpc'], {}, 'http://a.example:8080/rpc', 'http'],
    ['an empty path', ['path='], {}, 'http://a.example:8080', 'http'],
    ['TLS', ['tls=1'], {}, 'https://a.example:8080/mcp', 'http'],
    ['no TLS', ['tls=0'], { tls: true }, 'http://a.example:8080/mcp', 'http'],
    ['https', ['proto=https'], {}, 'https://a.example:8080/mcp', 'http'],
    ['sse', ['PROTO=SSE'], {}, 'http://a.example:8080/mcp', 'sse'],
    ['a transport', ['transport=streamable-http', 'tls'], {}, 'https://a.example:8080/mcp', 'http'],
    ['one key twice', ['path=/b', 'path=/a'], {}, 'http://a.example:8080/a', 'http'],
    ['invalid texts', ['=x', '', 'tls', '\u0000'], {}, 'https://a.example:8080/mcp', 'http'],
    ['nothing, with defaults in the config', [], { tls: true, path: '/' }, 'https://a.example:8080/', 'http'],
  ] as const) {
    it(`reads a TXT record with ${what}`, async () => {
      using server = await startNameserver(({ type }) =>
        type === SRV
          ? { answers: [srv(record, 'a.example')] }
          : { answers: attributes.length > 0 ? [txt(record, ...attributes)] : [] },
      )
      await using source = look({ nameservers: [server.address], ...config })

      const [reading] = await source.next()

      const [entry] = reading && 'entries' in reading ? reading.entries : []
      assert.ok(entry && 'value' in entry)
      const value = entry.value as { url: string; type: string }
      assert.deepEqual([value.url, value.type], [url, type])
    })
  }

  for (const [what, answers, expected] of [
    ['declares its absence', [srv(record, '.', 0)], []],
    [
      'has the same server twice',
      [srv(record, 'a.example'), srv(record, 'A.EXAMPLE.', 8080, { priority: 9 })],
      ['a.example:8080'],
    ],
    [
      'has one host with two ports',
      [srv(record, 'a.example', 1), srv(record, 'a.example', 2)],
      ['a.example:1', 'a.example:2'],
    ],
    ['is an alias', [alias(record, 'other.example'), srv('other.example', 'a.example')], ['a.example:8080']],
    [
      'comes with records of other names',
      [srv('unasked.example', 'evil.example'), srv(record, 'a.example')],
      ['a.example:8080'],
    ],
    ['comes in capitals', [srv(record.toUpperCase(), 'a.example')], ['a.example:8080']],
  ] as const) {
    it(`reads a service that ${what}`, async () => {
      using server = await startNameserver(only(...answers))
      await using source = look({ nameservers: [server.address] })

      assert.deepEqual(namesIn((await source.next())[0]), expected)
    })
  }

  it('follows an alias with a query of its own', async () => {
    using server = await startNameserver(({ type, name }) => {
      if (type !== SRV) return nxdomain
      return { answers: [name === record ? alias(record, 'other.example') : srv('other.example', 'a.example')] }
    })
    await using source = look({ nameservers: [server.address] })

    assert.deepEqual(namesIn((await source.next())[0]), ['a.example:8080'])
  })

  it('rejects an endless chain of aliases', async () => {
    let hop = 0
    using server = await startNameserver(({ name }) => ({ answers: [alias(name, `hop${hop++}.example`)] }))
    await using source = look({ nameservers: [server.address] })

    assert.match(errorIn((await source.next())[0]).message, /more than 8 aliases in a chain/)
  })

  it('rejects port 0 and a target that is not a host name, and keeps their neighbours', async () => {
    const answers = [
      srv(record, 'a.example', 0),
      srv(record, 'b@evil.example'),
      srv(record, '127.0.0.1'),
      srv(record, 'c.example'),
    ]
    using server = await startNameserver(only(...answers))
    await using source = look({ nameservers: [server.address] })

    const [reading] = await source.next()

    const entries = reading && 'entries' in reading ? reading.entries : []
    const problems = entries.map((entry) => ('problem' in entry ? entry.problem : 'good'))
    assert.deepEqual(problems.toSorted(), [
      'good',
      'port 0 is not a valid port',
      'the target is not a valid host name',
      'the target is not a valid host name',
    ])
  })

  it('adds the addresses of targets with resolve: true', async () => {
    using server = await startNameserver(({ type, name }) => {
      if (type === SRV)
        return {
          answers: [srv(record, 'a.example'), srv(record, 'gone.example')],
          additionals: [address('a.example', '192.0.2.99')],
        }
      if (name !== 'a.example') return nxdomain
      return {
        answers: [
          type === 1 ? [address(name, '192.0.2.2'), address(name, '192.0.2.1')] : [address(name, '2001:db8::1')],
        ].flat(),
      }
    })
    await using source = look({ nameservers: [server.address], resolve: true })

    const [reading] = await source.next()

    const [found, gone] = reading && 'entries' in reading ? reading.entries : []
    assert.match(JSON.stringify(found), /"addresses":\["192\.0\.2\.1","192\.0\.2\.2","2001:db8::1"\]/)
    assert.deepEqual(gone && 'problem' in gone && gone.problem, 'the target has no address')
  })

  it('keeps the reading when the records arrive in another order', async () => {
    const targets = Array.from({ length: 7 }, (_, index) => srv(record, `s${index}.example`))
    let turn = 0
    using server = await startNameserver(({ type }) =>
      type === SRV ? { answers: targets.map((_, index) => targets[(index + turn) % 7] as object) } : nxdomain,
    )
    await using source = look({ nameservers: [server.address] })
    const seen = new Set([(await source.next())[0]])

    for (; turn < 300; turn++) seen.add((await source.refresh())[0])

    assert.equal(seen.size, 1)
  })
})

describe('the answer of a nameserver', () => {
  for (const [what, reply] of Object.entries({
    'that the name does not exist': { header: { rcode: 3 }, authorities: [soa('example.org')] },
    'that it has no such record': { authorities: [soa('example.org')] },
    'no records at all': { answers: [] },
  })) {
    it(`removes the servers when it states ${what}`, async () => {
      let now: Reply = { answers: [srv(record, 'a.example')] }
      using server = await startNameserver(({ type }) => (type === SRV ? now : nxdomain))
      await using source = look({ nameservers: [server.address] })
      assert.deepEqual(namesIn((await source.next())[0]), ['a.example:8080'])

      now = reply

      assert.deepEqual(namesIn((await source.refresh())[0]), [])
    })
  }

  for (const [what, reply, reason] of [
    ['SERVFAIL', { header: { rcode: 2 } }, /SERVFAIL/],
    ['REFUSED', { header: { rcode: 5 } }, /REFUSED/],
    ['NOTIMP', { header: { rcode: 4 } }, /NOTIMP/],
    ['an unknown code', { header: { rcode: 11 } }, /code 11/],
    [
      'a referral',
      { header: { ra: 0 }, authorities: [{ name: 'org', type: 2, class: 1, ttl: 60, ns: 'ns.example' }] },
      /only refers/,
    ],
    ['missing', 'silence', /did not answer within 0.1 s/],
    [
      'half a message',
      { answers: [srv(record, 'a.example')], raw: (bytes: Buffer) => bytes.subarray(0, -5) },
      /malformed/,
    ],
  ] as const) {
    it(`is an error that names the nameserver when it is ${what}`, async () => {
      using server = await startNameserver(() => reply)
      await using source = look({ nameservers: [server.address], timeout: 0.1 })

      const { message } = errorIn((await source.next())[0])

      assert.match(message, reason)
      assert.match(message, /SRV of _mcp\._tcp\.example\.org: 127\.0\.0\.1/)
    })
  }

  it('for one name does not affect other names', async () => {
    using server = await startNameserver(({ name, type }) => {
      if (name === 'bad.example') return { header: { rcode: 2 } }
      return type === SRV ? { answers: [srv(name, 'a.example')] } : nxdomain
    })
    await using source = look({ records: ['bad.example', 'good.example'], nameservers: [server.address] })

    const [bad, good] = await source.next()

    assert.match(errorIn(bad).message, /SERVFAIL/)
    assert.deepEqual(namesIn(good), ['a.example:8080'])
  })

  it('for the TXT record is required too', async () => {
    using server = await startNameserver(({ type }) =>
      type === TXT ? { header: { rcode: 2 } } : { answers: [srv(record, 'a.example')] },
    )
    await using source = look({ nameservers: [server.address] })

    assert.match(errorIn((await source.next())[0]).message, /TXT of .* SERVFAIL/)
  })
})

describe('the TTL of a DNS answer', { concurrency: true }, () => {
  for (const [what, ttl, config] of [
    ['a TTL below min_ttl', 1, { min_ttl: 3000, interval: 3600 }],
    ['a TTL of 0', 0, { min_ttl: 1, interval: 3600 }],
    ['an absurdly long TTL', 2 ** 31, { min_ttl: 1, interval: 3600 }],
  ] as const) {
    it(`causes an early read, but not with ${what}`, async () => {
      using patient = await startNameserver(only(srv(record, 'a.example', 8080, { ttl })))
      await using later = look({ nameservers: [patient.address], ...config })
      await later.next()
      const queries = patient.questions.length
      using short = await startNameserver(only(srv(record, 'a.example', 8080, { ttl: 1 })))
      await using sooner = look({ nameservers: [short.address], min_ttl: 1, interval: 3600 })
      await sooner.next()
      const before = performance.now()

      // The other source began earlier, so an early read of it would have come before this one.
      await sooner.next()

      assert.ok(performance.now() - before > 900)
      assert.equal(patient.questions.length, queries)
    })
  }

  it('never delays a read beyond the interval', async () => {
    using server = await startNameserver(only(srv(record, 'a.example', 8080, { ttl: 86_400 })))
    await using source = look({ nameservers: [server.address], interval: 1 })
    await source.next()
    const before = performance.now()

    await source.next()

    assert.ok(performance.now() - before <= 1200)
  })
})

describe('resolv.conf', () => {
  it('gives nameservers and search domains, and is read again at every poll', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'roster-dns-'))
    const file = join(folder, 'resolv.conf')
    using server = await startNameserver(({ type, name }) =>
      type === SRV && name === '_mcp._tcp.team.corp.example' ? { answers: [srv(name, 'a.example')] } : nxdomain,
    )
    await writeFile(file, '# nothing yet\n')
    try {
      await using source = look({ records: ['_mcp._tcp'], resolv_conf: file, nameservers: [server.address] })
      assert.deepEqual(namesIn((await source.next())[0]), [])

      await writeFile(file, 'search lab.example team.corp.example\n')
      assert.deepEqual(namesIn((await source.refresh())[0]), ['a.example:8080'])
      const names = server.questions.filter(({ type }) => type === SRV).map(({ name }) => name)
      assert.deepEqual(names, ['_mcp._tcp', '_mcp._tcp', '_mcp._tcp.lab.example', '_mcp._tcp.team.corp.example'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('without nameservers, or missing, is an error, and no other nameserver is queried', async () => {
    await using missing = look({})
    const { message, class: kind } = errorIn((await missing.next())[0])
    assert.match(message, /no nameserver: \/nowhere\/resolv\.conf cannot be read \(ENOENT\)/)
    assert.equal(kind, 'config')

    await using empty = look({ resolv_conf: '/dev/null' })
    assert.match(errorIn((await empty.next())[0]).message, /\/dev\/null names none/)
  })
})
