import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { startHere } from '../../in-process-daemon.ts'

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
  const attacks: readonly [string, Record<string, unknown>, Record<string, unknown>][] = [
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
    ['another scheme', { ...remote, headers: { 'x-key': 'canary-1' } }, { url: 'http://good.example/mcp' }],
    [
      'a url with a placeholder',
      { ...remote, headers: { 'x-key': 'canary-1' } },
      { url: 'https://good.example${REGION}.evil.example/mcp' },
    ],
    ['another command', { ...command, env: { KEY: 'canary-1' } }, { command: 'leak' }],
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

  it('are restored where the flag, the name and the address are the same', async () => {
    const env = { KEY: 'canary-1' }
    const args = ['--verbose', '--token', 'canary-2', '-H', 'X-Key: canary-3', 'https://good.example/a']
    const metadata = { variables: [{ name: 'TOKEN', value: 'canary-4' }] }
    await using server = await startWith({ ...command, env, args, metadata })

    const moved = ['-H', 'X-Key: <redacted>', '--token', '<redacted>', '--quiet', 'https://good.example/b']
    const variables = [
      { name: 'PLAIN', value: 'text' },
      { name: 'TOKEN', value: '<redacted>' },
    ]
    const { status, text } = await server.ask('PATCH', { args: moved, description: 'new', metadata: { variables } })

    assert.equal(status, 200, text)
    assert.doesNotMatch(text, /canary/)
    const stored = await server.stored()
    assert.deepEqual(stored['env'], env)
    assert.deepEqual(stored['args'], [
      '-H',
      'X-Key: canary-3',
      '--token',
      'canary-2',
      '--quiet',
      'https://good.example/b',
    ])
    assert.deepEqual(stored['metadata'], {
      variables: [
        { name: 'PLAIN', value: 'text' },
        { name: 'TOKEN', value: 'canary-4' },
      ],
    })
  })

  it('of equal flags are restored only where their number stays', async () => {
    const args = ['--token', 'canary-1', '--token', 'canary-2']
    await using server = await startWith({ ...command, args })

    assert.equal((await server.ask('PATCH', { args: ['--token', '<redacted>'] })).status, 400)
    assert.equal(
      (await server.ask('PATCH', { args: ['-v', '--token', '<redacted>', '--token', '<redacted>'] })).status,
      200,
    )
    assert.deepEqual((await server.stored())['args'], ['-v', ...args])
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
