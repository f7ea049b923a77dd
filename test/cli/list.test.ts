import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { server } from '../builders.ts'
import { answering, json, running } from './command-runner.ts'

const servers = [
  server({ name: 'weather', status: 'healthy', tags: ['geo', 'free'], url: 'http://weather.example/mcp' }),
  server({
    name: 'files',
    namespace: 'team',
    status: 'unknown',
    type: 'stdio',
    command: 'npx',
    args: ['-y', 'files'],
    url: undefined,
    stale: true,
  }),
  server({ name: 'off', status: 'unknown', enabled: false }),
]

describe('mcp-roster list', () => {
  it('prints a table with aligned columns', async () => {
    await using daemon = await answering(json({ servers }))

    const { code, out } = await running(['list', '--url', daemon.url])

    const lines = out.trimEnd().split('\n')
    assert.equal(code, 0)
    assert.match(lines[0] ?? '', /^NAME +STATUS +TYPE +ADDRESS +SOURCE +AGE$/)
    assert.match(lines[1] ?? '', /^weather +● healthy +http +http:\/\/weather\.example\/mcp +test +\d+d$/)
    assert.match(lines[2] ?? '', /^team\/files +· unknown +stdio +npx -y files +test \(stale\) +\d+d$/)
    assert.match(lines[3] ?? '', /^off +· disabled/)
    assert.equal(new Set(lines.slice(0, 4).map((line) => line.search(/TYPE|http|stdio/))).size, 1)
    assert.ok(!out.includes('\u001B'))
  })

  it('fits the width of the terminal and uses colour only there', async () => {
    await using daemon = await answering(
      json({ servers: [server({ name: 'n'.repeat(80), url: `http://x/${'u'.repeat(200)}` })] }),
    )

    const { out } = await running(['list', '-o', 'wide', '--url', daemon.url], {
      tty: true,
      colour: true,
      columns: 120,
    })

    const lines = out.trimEnd().split('\n')
    assert.ok(out.includes('\u001B[36m○ pending'), out)
    // eslint-disable-next-line no-control-regex -- the characters that must be escaped
    for (const line of lines) assert.ok(line.replaceAll(/\u001B\[\d+m/g, '').length <= 120, line)
    assert.match(lines[1] ?? '', /…/)
  })

  it('escapes control characters in names', async () => {
    const evil = { ...server(), name: 'a\u001B[2Jb\u0007\u202Ec\u009B31m\nd', source: '\u001B]0;x\u0007' }
    await using daemon = await answering(json({ servers: [evil] }))

    for (const form of ['table', 'wide', 'name', 'json', 'yaml']) {
      const { out } = await running(['list', '-o', form, '--url', daemon.url], { tty: true, columns: 200 })

      // eslint-disable-next-line no-control-regex -- the characters that must be absent
      assert.doesNotMatch(out, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/, form)
    }
    const { out } = await running(['list', '-o', 'json', '--url', daemon.url])
    assert.equal((JSON.parse(out) as { servers: { name: string }[] }).servers[0]?.name, evil.name)
  })

  it('sends its options as query parameters and the token of the environment', async () => {
    await using daemon = await answering(json({ servers: [] }))

    const args = [
      'list',
      '-n',
      'team',
      '-l',
      'env=prod,tier in (a, b)',
      '--tag',
      'a',
      '--tag',
      'b',
      '--status',
      'healthy',
    ]
    const { code, out, err } = await running(args, {
      env: { MCP_ROSTER_URL: `${daemon.url}/`, MCP_ROSTER_TOKEN: 't0ken' },
    })

    const [request] = daemon.requests
    const { pathname, searchParams } = new URL(request?.url ?? '', daemon.url)
    assert.equal(pathname, '/servers')
    assert.deepEqual(
      [...searchParams],
      [
        ['namespace', 'team'],
        ['label_selector', 'env=prod,tier in (a, b)'],
        ['tag', 'a'],
        ['tag', 'b'],
        ['status', 'healthy'],
      ],
    )
    assert.equal(request?.authorization, 'Bearer t0ken')
    assert.deepEqual([code, out, err], [0, '', 'No servers found.\n'])
  })

  it('prints one name per line for programs and the syncing sources on stderr', async () => {
    await using daemon = await answering(json({ servers, syncing: ['cluster'] }))

    const { out, err } = await running(['list', '-o', 'name', '--url', daemon.url])

    assert.equal(out, 'weather\nteam/files\noff\n')
    assert.equal(err, 'Still syncing: cluster\n')
  })

  it('reports a missing answer in one line', async () => {
    await using web = await answering((_, response) => void response.end('<html>'))
    await using strict = await answering(json({ detail: 'Authentication required: \u001B[2J' }, 401))
    const absent = await answering(json({}))
    await absent[Symbol.asyncDispose]()

    for (const [url, expected] of [
      [web.url, /may not be an mcp-roster\n$/],
      [strict.url, /^Authentication required: \\u001b\[2J \(the token comes from MCP_ROSTER_TOKEN\)\n$/],
      [absent.url, /^no daemon answers at http:\/\/127\.0\.0\.1:\d+: connection refused\. Start one with/],
    ] as const) {
      const { code, err } = await running(['list', '--url', url])
      assert.equal(code, 1)
      assert.match(err, expected)
    }
  })

  it('never prints the token in its URL', async () => {
    const { code, err } = await running(['list', '--url', 'http://bob:c4nary@127.0.0.1:1/'])

    assert.equal(code, 1)
    assert.ok(!err.includes('c4nary'), err)
  })
})

describe('mcp-roster get', () => {
  it('finds a name with a slash and a server of another namespace', async () => {
    await using daemon = await answering(({ url }, response) => {
      const found = url === '/servers/team/files' || url === '/servers/default/com.example%2Fgeo'
      json(found ? { name: url } : { detail: 'there is none' }, found ? 200 : 404)({} as never, response)
    })

    const slashed = await running(['get', 'com.example/geo', '-o', 'json', '--url', daemon.url])
    const other = await running(['get', 'team/files', '--url', daemon.url])
    const explicit = await running(['get', 'files', '-n', 'team', '--url', daemon.url])
    const none = await running(['get', 'none', '--url', daemon.url])

    assert.deepEqual(JSON.parse(slashed.out), { name: '/servers/default/com.example%2Fgeo' })
    assert.equal(other.out, 'name: /servers/team/files\n')
    assert.equal(explicit.code, 0)
    assert.deepEqual([none.code, none.err], [1, 'there is none\n'])
  })
})

describe('mcp-roster export', () => {
  it('prints the client config that the daemon returns', async () => {
    await using daemon = await answering(({ url }, response) => json({ asked: url })({} as never, response))

    const claude = await running(['export', '--format', 'claude', '--tag', 'geo', '--url', daemon.url])
    const yaml = await running(['export', '-f', 'yaml', '--url', daemon.url])
    const wrong = await running(['export', '-f', 'emacs', '--url', daemon.url])

    assert.deepEqual(JSON.parse(claude.out), { asked: '/discover?tag=geo&format=claude' })
    assert.equal(yaml.out, 'asked: /discover\n')
    assert.deepEqual([wrong.code, wrong.out], [2, ''])
  })
})
