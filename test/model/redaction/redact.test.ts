import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redactServer } from '../../../src/model/redaction/redact-server.ts'
import { redactArgs } from '../../../src/model/redaction/redact.ts'
import { server } from '../../builders.ts'

const canary = 'c4nary-do-not-sing'

describe('redactServer', () => {
  it('keeps the keys of env and headers, and redacts every value', () => {
    const shown = redactServer(server({ env: { MODE: canary, TOKEN: canary }, headers: { 'X-Team': canary } }))

    assert.deepEqual(shown.env, { MODE: '<redacted>', TOKEN: '<redacted>' })
    assert.deepEqual(shown.headers, { 'X-Team': '<redacted>' })
  })

  it('keeps placeholders, and redacts the defaults inside them', () => {
    const env = { A: '${TOKEN}', B: 'Bearer ${env:TOKEN}', C: '${input:key}', D: `\${TOKEN:-${canary}}`, E: `x\${Y}` }

    assert.deepEqual(redactServer(server({ env })).env, {
      A: '${TOKEN}',
      B: 'Bearer ${env:TOKEN}',
      C: '${input:key}',
      D: '${TOKEN:-<redacted>}',
      E: '<redacted>',
    })
  })

  for (const [where, fields] of Object.entries({
    'a URL password': { url: `https://bob:${canary}@mcp.example/mcp` },
    'a URL password with a slash in it': { metadata: { u: `https://bob:sla/sh${canary}@mcp.example/mcp` } },
    'a URL token as user': { url: `https://${canary}@mcp.example/mcp` },
    'a query value': { url: `https://mcp.example/mcp?team=a&api_key=${canary}` },
    'a query key': { url: `https://mcp.example/mcp?key=${canary}` },
    'an escaped query name': { url: `https://mcp.example/mcp?access%5Ftoken=${canary}` },
    'a fragment': { url: `https://mcp.example/mcp#access_token=${canary}` },
    'the health check URL': { health_check_url: `http://bob:${canary}@mcp.example/health?token=${canary}` },
    'a command line in one text': { command: `npx thing --api-key ${canary}` },
    'metadata by name': { metadata: { api_key: canary, nested: [{ deep: { clientSecret: canary } }] } },
    'a number of a secret name': { metadata: { password: 4711_0815 } },
    'metadata under a secret name': { metadata: { credentials: { user: canary, list: [canary] } } },
    'metadata that is an environment': {
      metadata: { env: { PLAIN: canary }, headers: [{ name: 'a', value: canary }] },
    },
    'lists of pairs': { metadata: { env: [`PLAIN=${canary}`], headers: [`X-Team: ${canary}`], tokens: [canary] } },
    'pairs spelled out': {
      metadata: {
        vars: [
          { name: 'DB_PASSWORD', value: canary },
          { isSecret: true, default: canary },
        ],
      },
    },
    'arguments in metadata': { metadata: { args: ['--token', canary] } },
    'a URL in metadata': { metadata: { home: `redis://:${canary}@cache:6379/0` } },
    'JSON in metadata': { metadata: { raw: JSON.stringify({ token: canary }) } },
    'YAML in metadata': { metadata: { raw: `a: 1\n  - password: ${canary}\n` } },
    'an annotation by name': { annotations: { 'example.com/auth-token': canary } },
    'the annotation mcp.env': { annotations: { 'mcp.env': JSON.stringify({ PLAIN: canary }) } },
    'the annotation mcp.env that is not JSON': { annotations: { 'mcp.env': `PLAIN=${canary}` } },
    'the annotation mcp.args': { annotations: { 'mcp.args': JSON.stringify(['--token', canary, '--port', '1']) } },
    'the last applied configuration': {
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"anything":"${canary}"}` },
    },
    'a description': { description: `Call with Authorization: Bearer ${canary}` },
    'the origin': {
      origin: `https://bob:${canary}@directory.example/servers`,
      shadows: [{ source: 'a', origin: `http://x/?token=${canary}` }],
    },
  })) {
    it(`redacts a secret in ${where}`, () => {
      const shown = JSON.stringify(redactServer(server(fields)))

      assert.ok(!shown.includes(canary) && !shown.includes('47110815'), shown)
      assert.match(shown, /<redacted>/)
    })
  }

  it('redacts the data of a definition once, however many servers are made of it', () => {
    const declared = { name: 'a', version: '1.0.0', stability: 'stable', kind: 'declared', origin: 'declared' } as const
    const definition = server({
      args: ['--token', canary],
      metadata: { url: `https://a:${canary}@b` },
      capabilities: [{ ...declared, tags: [], description: `see https://a:${canary}@b` }],
    })

    const [first, second] = [redactServer(definition), redactServer({ ...definition, status: 'offline' })]

    for (const field of ['args', 'metadata', 'capabilities'] as const) {
      assert.equal(first[field], second[field], field)
      assert.notEqual(first[field], definition[field], field)
    }
  })

  it('keeps everything that is not secret', () => {
    const plain = server({
      url: 'https://mcp.example:8443/users/@me/mcp?team=a&page=2',
      command: 'npx',
      args: ['-y', '@scope/server-monkey@1.2.3', '--port', '8080', '--author', 'Ann', '/srv/data', '--max-tokens=100'],
      metadata: {
        author: 'Ann',
        max_tokens: 100,
        homepage: 'https://x.example/a?b=c',
        version: '1.0',
        list: [1, { a: 'b' }],
        headers: ['Authorization'],
      },
      annotations: { 'example.com/owner': 'team-a', note: 'basic authentication is needed' },
      labels: { token: 'ring' },
      description: 'Keeps tokens: a bearer token is needed, see https://x.example/docs#auth',
    })

    assert.deepEqual(redactServer(plain), plain)
  })

  it('does not change its argument', () => {
    const given = server({ args: ['--token', canary], metadata: { secret: canary } })
    const before = structuredClone(given)

    redactServer(given)

    assert.deepEqual(given, before)
  })

  it('is bounded for data nested thousands of levels deep', () => {
    let deep: unknown = canary
    for (let level = 0; level < 5000; level++) deep = { a: deep }

    assert.ok(!JSON.stringify(redactServer(server({ metadata: { deep } }))).includes(canary))
  })
})

describe('redactArgs', () => {
  for (const args of [
    ['--token', canary],
    [`--token=${canary}`],
    ['--apiKey', canary],
    ['-password', canary],
    ['--key', canary],
    ['--header', `Authorization: Bearer ${canary}`],
    ['--header', `X-Anything:${canary}`],
    [`--header=Authorization: ${canary}`],
    ['-H', `x-api-key: ${canary}`],
    [`-HX-Team: ${canary}`],
    [`API_KEY=${canary}`],
    ['-e', `PLAIN=${canary}`],
    [`--env=PLAIN=${canary}`],
    ['-u', `bob:${canary}`],
    [`-Ddb.password=${canary}`],
    [`Authorization: ${canary}`],
    [`postgresql://bob:${canary}@db/mcp`],
    ['--url', `https://mcp.example/?token=${canary}`],
    ['--config', `{"apiKey":"${canary}"}`],
    ['-c', `curl -H 'Authorization: Bearer ${canary}' http://x`],
    ['-c', `serve --token ${canary} --port 1`],
    ['-c', `API_KEY=${canary} serve`],
    ['-c', `API_KEY="${canary} two words" serve`],
  ]) {
    it(`redacts the secret in ${args.join(' ').replaceAll(canary, 'S')}`, () => {
      const shown = redactArgs(args)

      assert.ok(!shown.join(' ').includes(canary), shown.join(' '))
      assert.equal(shown.length, args.length)
      assert.match(shown.join(' '), /<redacted>/)
    })
  }

  it('keeps a flag that follows a flag, and placeholders', () => {
    const args = [
      '--auth',
      '--port',
      '8080',
      '--header',
      'Authorization:${AUTH}',
      '--token',
      '${TOKEN}',
      '-e',
      'API_KEY',
    ]

    assert.deepEqual(redactArgs(args), args)
  })
})
