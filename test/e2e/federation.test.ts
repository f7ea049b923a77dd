import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { temporary, until } from './daemon-process.ts'

type Shown = {
  name: string
  source: string
  discovery_method: string
  stale: boolean
  headers?: Record<string, string>
  metadata: Record<string, string[]>
}
type Status = { sources: { name: string; state: string; rejections: { name?: string; reason: string }[] }[] }
type Here = Awaited<ReturnType<typeof startHere>>

const listOf = async (daemon: Here) => (await daemon.ask<{ servers: Shown[] }>('GET', '/servers')).body.servers
const listing = async (daemon: Here) =>
  (await listOf(daemon)).map(({ name, source }) => `${name} of ${source}`).join(', ')

async function untilTold(daemon: Here, expected: string): Promise<void> {
  await until(async () => (await listing(daemon)) === expected, 8).catch(async () =>
    assert.equal(await listing(daemon), expected),
  )
}

/** A daemon whose own file has lower precedence than other rosters. */
async function open(folder: ReturnType<typeof temporary>, ...names: string[]) {
  const write = (...those: string[]) => {
    const servers = those.map((name) => ({
      name,
      url: 'http://127.0.0.1:9/mcp',
      headers: { Authorization: `Bearer ${name}` },
    }))
    writeFileSync(folder.at('servers.json'), JSON.stringify({ servers }))
  }
  const config = (...others: readonly Here[]) =>
    [
      'health: { enabled: false }',
      'sources:',
      ...others.map(({ url }, index) => `  - { type: roster, name: r${index}, url: "${url}" }`),
      `  - { type: file, paths: ["${folder.at('servers.json')}"] }`,
      '',
    ].join('\n')
  write(...names)
  const daemon = await startHere(config(), { folder })
  return { ...daemon, write, follows: (...others: readonly Here[]) => daemon.reload(config(...others)) }
}

describe('rosters that follow each other', () => {
  it('rosters show the servers of all peers and never their own servers from a peer', async () => {
    using folderA = temporary()
    using folderB = temporary()
    await using a = await open(folderA, 'alpha')
    await using b = await open(folderB, 'beta')
    await a.follows(b)
    await b.follows(a)

    await untilTold(a, 'alpha of file, beta of r0')
    await untilTold(b, 'alpha of r0, beta of file')
    const [, beta] = await listOf(a)
    assert.equal(beta?.discovery_method, 'roster')
    assert.deepEqual(beta.headers, { Authorization: '${BETA_AUTHORIZATION}' })
    const { sources } = (await a.ask<Status>('GET', '/sources')).body
    const r0 = sources.find(({ name }) => name === 'r0')
    assert.equal(r0?.state, 'synced')
    assert.match(r0.rejections.find(({ name }) => name === 'alpha')?.reason ?? '', /comes from this registry itself/)

    b.write('beta', 'gamma')
    await untilTold(a, 'alpha of file, beta of r0, gamma of r0')
    a.write('omega')
    await untilTold(b, 'beta of file, gamma of file, omega of r0')
    b.write()
    a.write()
    await untilTold(a, '')
    await untilTold(b, '')
  })

  it('a ring of three rosters drops a server that its only owner lost, even after a restart of the owner', async () => {
    using folderA = temporary()
    using folderB = temporary()
    using folderC = temporary()
    await using b = await open(folderB, 'beta')
    await using c = await open(folderC)
    {
      await using a = await open(folderA, 'alpha', 'kept')
      await b.follows(a)
      await c.follows(b)
      await untilTold(c, 'alpha of r0, beta of r0, kept of r0')
      const [alpha] = await listOf(c)
      assert.equal(alpha?.metadata['mcp-roster.io/via']?.length, 2)
    }
    await until(async () => (await listOf(b)).some(({ name, stale }) => name === 'alpha' && stale))

    await using again = await open(folderA, 'kept')
    await again.follows(c)
    await b.follows(again)

    await untilTold(b, 'beta of file, kept of r0')
    await untilTold(c, 'beta of r0, kept of r0')
    await untilTold(again, 'beta of r0, kept of file')
  })
})

for (const path of ['/v0.1/servers', '/.well-known/ai-catalog.json']) {
  it(`rosters that read each other at ${path} never loop`, async () => {
    using folderA = temporary()
    using folderB = temporary()
    const config = (folder: ReturnType<typeof temporary>, name: string, other?: Here) =>
      [
        'health: { enabled: false }',
        `publish: { domain: ${name}.example }`,
        'sources:',
        `  - { type: file, paths: ["${folder.at('servers.json')}"] }`,
        ...(other ? [`  - { type: http, url: "${other.url}${path}", interval: 1s }`] : []),
        '',
      ].join('\n')
    for (const [folder, name] of [
      [folderA, 'alpha'],
      [folderB, 'beta'],
    ] as const) {
      const servers = { [name]: { url: 'http://127.0.0.1:9/mcp' } }
      writeFileSync(folder.at('servers.json'), JSON.stringify({ servers }))
    }
    await using a = await startHere(config(folderA, 'a'), { folder: folderA })
    await using b = await startHere(config(folderB, 'b'), { folder: folderB })
    await a.reload(config(folderA, 'a', b))
    await until(async () => (await listOf(a)).length === 2)
    await b.reload(config(folderB, 'b', a))
    await until(async () => (await listOf(b)).length === 2)

    // Each reads the other again and finds only known servers.
    for (const daemon of [a, b, a, b]) assert.equal((await daemon.ask('POST', '/sources/http/refresh', {})).status, 200)

    assert.equal(await listing(a), 'alpha of file, example.b/beta of http')
    assert.equal(await listing(b), 'beta of file, example.a/alpha of http')
  })
}
