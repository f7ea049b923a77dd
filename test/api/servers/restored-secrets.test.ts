import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { startHere } from '../../in-process-daemon.ts'

type Attack = readonly [name: string, before: Record<string, unknown>, change: Record<string, unknown>]

type Shown = { readonly [field: string]: unknown; readonly errors: { field: string; problem: string }[] }

const config = `sources: [{ type: agents }, { type: manual, allow_stdio: true }]
store: { type: memory }
auth:
  tokens:
    - { name: owner, token: owner-token, role: admin, secrets: true }
    - { name: ops, token: ops-token, role: admin }
`
const owner = { authorization: 'Bearer owner-token' }
const ops = { authorization: 'Bearer ops-token' }

/** A daemon with one server of the owner's, which an admin without the right `secrets` then changes. */
async function startWith(definition: Record<string, unknown>) {
  const daemon = await startHere(config)
  const created = await daemon.ask('PUT', '/servers/tool', definition, owner)
  assert.equal(created.status, 201, created.text)
  const ask = (method: string, body: unknown, headers = ops) =>
    daemon.ask<Shown>(method, '/servers/tool', body, headers)
  return {
    ask,
    shown: async (headers = ops) => (await daemon.ask<Shown>('GET', '/servers/tool', undefined, headers)).body,
    stored: async () => (await daemon.ask<Shown>('GET', '/servers/tool?secrets=true', undefined, owner)).body,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  }
}

const command = { command: 'run', health_check: 'none' }
const remote = { url: 'https://good.example/mcp', health_check: 'none' }

describe('secrets that are written back as placeholders', () => {
  const attacks: readonly Attack[] = [
    ['a renamed flag', { ...command, args: ['--token', 'canary-1'] }, { args: ['--message', '<redacted>'] }],
    ['a renamed joined flag', { ...command, args: ['-e', 'PLAIN=canary-1'] }, { args: ['--set', 'PLAIN=<redacted>'] }],
    ['a flag in between', { ...command, args: ['--token', 'canary-1', 'x'] }, { args: ['x', '<redacted>', '--token'] }],
    [
      'a list that is no longer one of texts',
      { ...command, metadata: { args: ['--token', 'canary-1'] } },
      { metadata: { args: ['--token', '<redacted>', 5] } },
    ],
    [
      'a renamed pair',
      { ...command, metadata: { variables: [{ name: 'TOKEN', value: 'canary-1' }] } },
      { metadata: { variables: [{ name: 'GREETING', value: '<redacted>' }] } },
    ],
    [
      'a pair that is no longer secret',
      { ...command, metadata: { variables: [{ name: 'GREETING', isSecret: true, value: 'canary-1' }] } },
      { metadata: { variables: [{ name: 'GREETING', value: '<redacted>' }] } },
    ],
    [
      'a pair of a map that is no longer secret',
      { ...command, metadata: { variable: { name: 'TOKEN', value: 'canary-1' } } },
      { metadata: { variable: { name: 'GREETING', value: '<redacted>' } } },
    ],
    ['another url', { ...remote, headers: { 'x-key': 'canary-1' } }, { url: 'https://evil.example/mcp' }],
    ['another port', { ...remote, headers: { 'x-key': 'canary-1' } }, { url: 'https://good.example:8443/mcp' }],
    [
      'a host behind a character that URLs drop',
      { ...remote, headers: { 'x-key': 'canary-1' } },
      { url: 'https://good.example\uFEFF.evil.example/mcp' },
    ],
    ...['Host', 'X-Forwarded-Host', 'x-target-url', 'accept'].map((name): Attack => [
      `another header ${name}`,
      { ...remote, headers: { 'x-key': 'canary-1', [name]: 'good' } },
      { headers: { 'x-key': '<redacted>', [name]: 'evil' } },
    ]),
    [
      'a new header',
      { ...remote, headers: { 'x-key': 'canary-1' } },
      { headers: { 'x-key': '<redacted>', Host: 'evil.example' } },
    ],
    [
      'a header, in the url',
      { ...remote, url: 'https://good.example/mcp?key=canary-1' },
      { headers: { Host: 'evil.example' } },
    ],
    ['another scheme', { ...remote, headers: { 'x-key': 'canary-1' } }, { url: 'http://good.example/mcp' }],
    [
      'a url with a placeholder',
      { ...remote, headers: { 'x-key': 'canary-1' } },
      { url: 'https://good.example${REGION}.evil.example/mcp' },
    ],
    ['another command before a variable', { ...command, env: { KEY: 'canary-1' } }, { command: 'leak' }],
    [
      'another package',
      { ...command, args: ['-y', 'good-mcp', '--token', 'canary-1'] },
      { args: ['-y', 'evil-mcp', '--token', '<redacted>'] },
    ],
    [
      'another value of a flag',
      { ...command, args: ['--host=good', '--token', 'canary-1'] },
      { args: ['--host=evil', '--token', '<redacted>'] },
    ],
    [
      'another image',
      { ...command, args: ['run', '-e', 'API_KEY=canary-1', 'good/image'] },
      { args: ['run', '-e', 'API_KEY=<redacted>', 'evil/image'] },
    ],
    [
      'another entrypoint',
      { ...command, args: ['run', '-e', 'API_KEY=canary-1', 'good/image'] },
      { args: ['run', '--entrypoint', 'env', '-e', 'API_KEY=<redacted>', 'good/image'] },
    ],
    ['other arguments', { ...command, args: ['good-mcp'], env: { KEY: 'canary-1' } }, { args: ['evil-mcp'] }],
    ['first arguments', { ...command, env: { KEY: 'canary-1' } }, { args: ['evil-mcp'] }],
    ...['API_URL', 'HTTPS_PROXY', 'NODE_OPTIONS'].map((name): Attack => [
      `another ${name}`,
      { ...command, env: { KEY: 'canary-1', [name]: 'good' } },
      { env: { KEY: '<redacted>', [name]: 'evil' } },
    ]),
    [
      'a new variable',
      { ...command, args: ['--token', 'canary-1'] },
      { env: { NODE_OPTIONS: '--import=https://evil.example' } },
    ],
    ['another folder', { ...command, cwd: '/good', env: { KEY: 'canary-1' } }, { cwd: '/evil' }],
    ['another command', { ...command, args: ['--token', 'canary-1'] }, { command: 'leak' }],
    [
      'another host in the arguments',
      { ...command, args: ['https://good.example/mcp', '--header', 'X-Key: canary-1'] },
      { args: ['https://evil.example/mcp', '--header', 'X-Key: <redacted>'] },
    ],
  ]
  for (const [name, before, change] of attacks) {
    it(`are not restored beside ${name}`, async () => {
      await using server = await startWith(before)

      const patched = await server.ask('PATCH', change)
      const put = await server.ask('PUT', { ...(await server.shown()), ...change, resource_version: null })

      for (const { status, text, body } of [patched, put]) {
        assert.equal(status, 400, text)
        assert.match(body.errors[0]?.problem ?? '', /send the secret/)
        assert.doesNotMatch(text, /canary/)
      }
      assert.doesNotMatch(JSON.stringify(await server.shown()), /canary/)
    })
  }

  it('never reach another host with a probe', async () => {
    const received: string[] = []
    await using host = createServer((request, response) => {
      received.push(String(request.headers['x-key']))
      response.end()
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => host.once('listening', resolve))
    await using server = await startWith({ ...remote, headers: { 'x-key': 'canary-1' } })

    const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/`
    const { status } = await server.ask('PATCH', { url, health_check: 'http' })

    assert.deepEqual([status, received], [400, []])
  })

  it('are restored where all that decides where they go is the same', async () => {
    const sent = {
      command: 'run',
      cwd: '/srv',
      env: { KEY: 'canary-1', REGION: 'canary-2' },
      args: ['--verbose', '--token', 'canary-3', '-H', 'X-Key: canary-4', 'https://good.example/a'],
    }
    const metadata = { variables: [{ name: 'TOKEN', value: 'canary-5' }] }
    await using server = await startWith({ ...sent, metadata, health_check: 'none' })

    const variables = [
      { name: 'PLAIN', value: 'text' },
      { name: 'TOKEN', value: '<redacted>' },
    ]
    const { args, env } = await server.shown()
    const change = {
      title: 'New',
      description: 'new',
      tags: ['new'],
      labels: { team: 'new' },
      enabled: false,
      args,
      env,
    }
    const patched = await server.ask('PATCH', { ...change, metadata: { variables } })
    const put = await server.ask('PUT', { ...(await server.shown()), title: 'Newer', resource_version: null })

    assert.deepEqual([patched.status, put.status], [200, 200], `${patched.text} ${put.text}`)
    assert.doesNotMatch(patched.text + put.text, /canary/)
    const restored = [
      { name: 'PLAIN', value: 'text' },
      { name: 'TOKEN', value: 'canary-5' },
    ]
    assert.partialDeepStrictEqual(await server.stored(), { ...sent, title: 'Newer', metadata: { variables: restored } })
  })

  it('are restored beside another path of the same host', async () => {
    await using server = await startWith({ ...remote, headers: { 'x-key': 'canary-1' } })

    const { status, text } = await server.ask('PATCH', { url: 'https://good.example/v2', tags: ['new'] })

    assert.equal(status, 200, text)
    assert.deepEqual((await server.stored())['headers'], { 'x-key': 'canary-1' })
  })

  it('are not asked for where all headers are written', async () => {
    await using server = await startWith({ ...remote, headers: { 'x-key': 'canary-1', host: 'good.example' } })

    const { status, text } = await server.ask('PATCH', { headers: { 'x-key': 'new', host: 'other.example' } })

    assert.equal(status, 200, text)
    assert.deepEqual((await server.stored())['headers'], { 'x-key': 'new', host: 'other.example' })
  })

  it('of equal flags are restored only where their number stays', async () => {
    const args = ['--token', 'canary-1', '--token', 'canary-2']
    await using server = await startWith({ ...command, metadata: { args } })
    const patch = async (...written: string[]) => (await server.ask('PATCH', { metadata: { args: written } })).status

    assert.equal(await patch('--token', '<redacted>'), 400)
    assert.equal(await patch('-v', '--token', '<redacted>', '--token', '<redacted>'), 200)
    assert.deepEqual((await server.stored())['metadata'], { args: ['-v', ...args] })
  })

  it('move with a token that has the right to see them', async () => {
    await using server = await startWith({ ...command, args: ['--token', 'canary-1'], env: { KEY: 'canary-2' } })

    const change = { command: 'other', args: ['--api-key', '<redacted>'] }
    assert.equal((await server.ask('PATCH', change)).status, 400)
    assert.equal((await server.ask('PATCH', change, owner)).status, 200)
    const { args, env } = await server.stored()
    assert.deepEqual([args, env], [['--api-key', 'canary-1'], { KEY: 'canary-2' }])
  })
})
