import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseStateToken } from '../../src/model/query/state-token.ts'
import { startHere } from '../in-process-daemon.ts'
import { temporary } from './daemon-process.ts'

type Answer = {
  readonly parameter?: string
  readonly detail?: string
  readonly total?: number
  readonly reason?: string
}

/** A daemon whose server texts trigger catastrophic backtracking in careless patterns. */
async function startDaemonWithServers() {
  const folder = temporary()
  const servers = Array.from({ length: 200 }, (_, n) => ({
    name: `s${n}`,
    command: 'x',
    description: `${'a'.repeat(900)}!`,
    tags: [`${'a'.repeat(200)}!`],
    labels: { env: 'prod' },
  }))
  writeFileSync(folder.at('servers.json'), JSON.stringify({ servers }))
  const daemon = await startHere(
    `sources: [{ type: file, paths: [${folder.at('servers.json')}] }, { type: agents }]\nstore: { type: memory }\n`,
    { folder },
  )
  return {
    ...daemon,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** Invalid queries of any list, and the text that the answer must contain. */
const wrong: readonly (readonly [string, RegExp])[] = [
  ['limit=0', /^limit$/],
  ['limit=-1', /^limit$/],
  ['limit=1e9', /^limit$/],
  ['limit=1000000000', /^limit$/],
  ['limit=NaN', /^limit$/],
  [`label_selector=${'a,'.repeat(2500)}`, /^label_selector$/],
  [`label_selector=${'x'.repeat(5000)}`, /^label_selector$/],
  ['label_selector=a+in+((b))', /^label_selector$/],
  ['label_selector=a+in+(b', /^label_selector$/],
  ['label_selector=a+in+b)', /^label_selector$/],
  ['label_selector=(((((((', /^label_selector$/],
  ['label_selector=!!a', /^label_selector$/],
  ['label_selector=%00', /^label_selector$/],
  ['version_constraint=%3E%3D1+%7C%7C+%3C%3C', /^version_constraint$/],
]

/** Unknown parameters and tokens. Lists and watches refuse what `/agents` has always ignored. */
const wrongOfServers: typeof wrong = [
  ...wrong,
  ['colour=red', /^colour$/],
  ['__proto__=1', /^__proto__$/],
  ['constructor=1', /^constructor$/],
  [`${'x'.repeat(3000)}=1`, /^x{100}$/],
  ['continue=abc', /^continue$/],
  ['tag=a&limit=5&limit=6', /^limit$/],
]

/** CPU time since the mark: the daemon runs in this process, so the load of the machine does not count. */
function spentMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

describe('an invalid query', () => {
  it('invalid query is refused at once naming the parameter, by every list and watch', async () => {
    await using daemon = await startDaemonWithServers()
    for (const [path, table] of [
      ['/servers?', wrongOfServers],
      ['/api/v1/servers?', wrongOfServers],
      ['/servers?watch=true&', wrongOfServers],
      ['/servers/watch?', wrongOfServers],
      ['/servers?index=other-1&', wrongOfServers],
      ['/agents?', wrong],
      ['/agents/watch?', wrong],
      ['/agents?watch=true&', wrong],
    ] as const) {
      for (const [query, parameter] of table) {
        const before = process.cpuUsage()
        const { status, body } = await daemon.ask<Answer>('GET', path + query)
        const said = `${path}${query.slice(0, 60)}: ${status} ${JSON.stringify(body).slice(0, 300)}`
        assert.equal(status, 400, said)
        assert.match(body.parameter ?? '', parameter, said)
        assert.ok((body.detail ?? '').length < 2000, said)
        assert.ok(spentMs(before) < 1000, said)
      }
    }
  })

  it('overlong query is refused before it is parsed', async () => {
    await using daemon = await startDaemonWithServers()
    for (const path of ['/servers', '/servers/watch', '/agents', '/capabilities/watch'])
      assert.equal((await daemon.ask('GET', `${path}?label_selector=${'x'.repeat(10_000)}`)).status, 414)
    assert.equal((await daemon.ask('GET', `/servers?${'tag=a&'.repeat(101)}`)).status, 400)
  })

  it('expired index gives 410 to a long poll and RESYNC to a watch', async () => {
    await using daemon = await startDaemonWithServers()
    const { body } = await daemon.ask<{ resource_version: string }>('GET', '/servers')
    const { epoch, revision } = parseStateToken(body.resource_version) ?? assert.fail()
    for (const [token, reason] of [
      ['other-1', /^epoch/],
      [`${epoch}-${revision + 1000}`, /^future/],
      [`${epoch}-999999999999999`, /^future/],
      [`${epoch}--1`, /^malformed/],
      ['%00', /^malformed/],
      ['%F0%9F%92%A9-1', /^malformed/],
      ['x'.repeat(5000), /^malformed/],
    ] as const) {
      for (const path of ['/servers', '/agents', '/capabilities']) {
        const { status, body: said } = await daemon.ask<Answer>('GET', `${path}?index=${token}&wait=1s`)
        assert.equal(status, 410, `${path} ${token}`)
        assert.match(said.reason ?? '', reason)
      }
    }
  })
})

describe('a text query', () => {
  it('text query treats regular expressions as plain text', async () => {
    await using daemon = await startDaemonWithServers()
    for (const q of [
      '(a+)+$',
      '(a|a)*$',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
      '(a*)*'.repeat(50),
      '\\',
      '.*',
      '[',
      'a{1,99999}',
    ]) {
      for (const fuzzy of ['', '&fuzzy_match=true']) {
        const before = process.cpuUsage()
        const { status, body } = await daemon.ask<Answer>('GET', `/servers?q=${encodeURIComponent(q)}${fuzzy}`)
        assert.deepEqual([status, body.total], [200, 0], q)
        assert.ok(spentMs(before) < 500, `${q} takes too long`)
      }
    }
    assert.equal((await daemon.ask<Answer>('GET', `/servers?q=${'a'.repeat(250)}`)).body.total, 200)
  })
})
