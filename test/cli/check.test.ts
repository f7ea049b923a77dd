import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { running } from './command-runner.ts'

const canary = 'c4nary-do-not-sing'
const folder = mkdtempSync(join(tmpdir(), 'check-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const good = file(
  'good.yaml',
  'servers:\n  weather: { url: "http://weather.example/mcp" }\n  files: { command: npx }\n',
)
const bad = file(
  'bad.yaml',
  `servers:\n  weather: { url: 5 }\n  leaky: { type: http, headers: { A: ${canary} }, args: ${canary} }\n`,
)
const broken = file('broken.yaml', 'servers:\n  weather: {\n    url: [\n')
const claude = file('claude.json', '{"mcpServers":{"desk":{"command":"npx","args":["-y","files"]}}}')

describe('mcp-roster check', () => {
  it('accepts valid files in every format', async () => {
    const { code, out } = await running(['check', good, claude])

    assert.equal(out, `${good}: 2 servers\n${claude}: 1 server\n2 files, 3 servers, 0 problems\n`)
    assert.equal(code, 0)
  })

  it('does not count an absent config as a file', async () => {
    const { out } = await running(['check'], { env: { MCP_ROSTER_SOURCES: '[{ type: env }]' } })

    assert.equal(out, 'config: no file; defaults and environment apply\n0 files, 0 servers, 0 problems\n')
  })

  it('reports file, line and reason of each problem without secrets', async () => {
    const { code, out } = await running(['check', bad, broken, '/no/such/file.yaml'])

    assert.equal(code, 1)
    assert.match(out, /bad\.yaml: (.*)line 2(.*): weather: url: /)
    assert.match(out, /bad\.yaml: (.*)line 3(.*): leaky: /)
    assert.match(out, /broken\.yaml: line \d/)
    assert.match(out, /\/no\/such\/file\.yaml: no such file or directory/)
    assert.ok(!out.includes(canary), out)
  })

  it('warns about unknown fields and suggests the nearest known one', async () => {
    const typos = file(
      'typos.yaml',
      'servers:\n  geo:\n    command: geo\n    tag: [a]\n    colour: red\n    disabled: true\n',
    )

    const { code, out } = await running(['check', typos])

    const place = `warning: ${typos}: line 2, servers.geo`
    assert.equal(
      out,
      `${typos}: 1 server\n` +
        `${place}: unknown field tag is ignored; did you mean "tags"?\n` +
        `${place}: unknown field colour is ignored\n` +
        '1 file, 1 server, 0 problems\n',
    )
    assert.equal(code, 0)
  })

  it('warns of commands with blanks, of a url beside a command, and of names defined twice', async () => {
    const odd = file(
      'odd.yaml',
      'servers:\n  - { name: blanks, command: "npx -y files" }\n  - { name: both, command: npx, url: "http://both.example/mcp" }\n',
    )
    const twice = file(
      'twice.yaml',
      'servers:\n  - { name: both, command: x }\n  - { name: both, namespace: b, command: x }\n',
    )

    const { code, out } = await running(['check', odd, twice])

    assert.equal(
      out,
      `${odd}: 2 servers\n` +
        `warning: ${odd}: line 2, servers[0]: command holds blanks and args is empty; clients start a program of that whole name: move what follows the first blank to args\n` +
        `warning: ${odd}: line 3, servers[1]: url beside command is not used; remove one of them\n` +
        `${twice}: 2 servers\n` +
        `warning: ${twice}: line 2, servers[0]: default/both is defined in ${odd} (line 3, servers[1]) already; that one wins\n` +
        '2 files, 4 servers, 0 problems\n',
    )
    assert.equal(code, 0)
  })

  it('names the files of a folder that are ignored', async () => {
    const inside = join(folder, 'some')
    mkdirSync(join(inside, 'sub'), { recursive: true })
    writeFileSync(join(inside, 'a.json5'), "{servers: {a: {command: 'x'}}}")
    writeFileSync(join(inside, 'notes.txt'), '')

    const { out } = await running(['check', inside])

    assert.equal(
      out,
      `${join(inside, 'a.json5')}: 1 server\nignored in ${inside}: notes.txt, sub/ (recursive is off)\n1 file, 1 server, 0 problems\n`,
    )
  })

  it('checks a config and the paths of its sources', async () => {
    const config = file(
      'config.yaml',
      `sources:\n  - { type: file, paths: [good.yaml] }\n  - { type: env, variable: MY_SERVERS }\n`,
    )
    const wrong = file('wrong.yaml', `auth: { token: "${canary} x" }\nlisten:\n  prot: 1\n`)

    const all = await running(['check', '--config', config], { env: { MY_SERVERS: '{"servers": {"a": {"url": 1}}}' } })
    const one = await running(['check', wrong])

    assert.match(all.out, /config\.yaml: good\n.*good\.yaml: 2 servers\n/)
    assert.match(all.out, /environment variable MY_SERVERS: .*a: url: /)
    assert.equal(all.code, 1)
    assert.match(one.out, /wrong\.yaml:3: listen\.prot: unknown setting; did you mean "port"\?/)
    assert.ok(!one.out.includes(canary), one.out)
    assert.equal(one.code, 1)
  })
})

describe('mcp-roster discover', () => {
  it('prints the servers of a source and its rejected entries', async () => {
    const config = file('discover.yaml', `sources: [{ type: file, name: mine, paths: [good.yaml, bad.yaml] }]\n`)

    const { code, out } = await running(['discover', 'mine', '--once', '--config', config])

    assert.match(
      out,
      /good\.yaml: 2 servers\n {2}weather {2}http {2}http:\/\/weather\.example\/mcp\n {2}files {2}stdio {2}npx\n/,
    )
    assert.match(out, /rejected: .*weather: url: /)
    assert.equal(code, 1)
  })

  it('redacts secrets in every output format', async () => {
    const config = file('env.yaml', `sources: [{ type: env, variable: MY_SERVERS }]\n`)
    const servers = { files: { command: 'npx', args: ['--token', canary], env: { KEY: canary } } }

    for (const form of ['text', 'json', 'yaml']) {
      const { code, out } = await running(['discover', 'env', '-o', form, '--config', config], {
        env: { MY_SERVERS: JSON.stringify({ mcpServers: servers }) },
      })
      assert.equal(code, 0)
      assert.match(out, /files/)
      assert.ok(!out.includes(canary), out)
    }
  })

  it('lists the configured sources for an unknown name', async () => {
    const config = file('two.yaml', 'sources: [{ type: env }, { type: file }]\n')

    const { code, err } = await running(['discover', 'nope', '--config', config])

    assert.equal(code, 1)
    assert.equal(err, 'source "nope" not found in the config; configured sources: env, file\n')
  })

  it('reports in one line why a source cannot be read without a daemon', async () => {
    const config = file('agents.yaml', 'sources: [{ type: agents }]\n')

    const { code, err } = await running(['discover', 'agents', '--config', config])

    assert.equal(code, 1)
    assert.equal(err, 'agents: registrations exist in a running daemon only\n')
  })
})

describe('mcp-roster config show', () => {
  it('redacts secrets but no number with a secret-like name', async () => {
    const { out } = await running(['config', 'show'], { env: { AUTH_TOKEN: 'canary' } })

    assert.match(out, /^watch\.max_watchers_per_token +5000 +default$/m)
    assert.match(out, /^auth\.token +"<redacted>" +environment variable AUTH_TOKEN$/m)
  })

  it('prints the default paths of the file source', async () => {
    const { out } = await running(['config', 'show'], { env: { HOME: '/home/ann' } })
    const moved = await running(['config', 'show'], { env: { HOME: '/home/ann', XDG_CONFIG_HOME: '/xdg' } })

    assert.match(out, /^sources\[1\]\.paths +\["\/etc\/mcp","\/home\/ann\/\.config\/mcp"\] +default$/m)
    assert.match(moved.out, /^sources\[1\]\.paths +\["\/etc\/mcp","\/xdg\/mcp"\] +default$/m)
  })

  it('prints each value with its origin, secrets redacted', async () => {
    const config = file(
      'secrets.yaml',
      [
        'listen: { port: 7777 }',
        `auth: { tokens: [{ name: ops, token: ${canary} }] }`,
        `store: { type: postgres, url: "postgres://bob:${canary}@db/roster" }`,
        'sources:',
        `  - { type: http, url: "https://directory.example/servers?token=${canary}", headers: { X-Any: ${canary} } }`,
      ].join('\n'),
    )
    const env = { AUTH_TOKEN: canary, LOG_LEVEL: 'debug' }

    const text = await running(['config', 'show', '--config', config], { env })
    const json = await running(['config', 'show', '--config', config, '-o', 'json'], { env })
    const yaml = await running(['config', 'show', '--config', config, '-o', 'yaml'], { env })

    assert.match(text.out, /^listen\.port +7777 +.*secrets\.yaml:1$/m)
    assert.match(text.out, /^auth\.token +"<redacted>" +environment variable AUTH_TOKEN$/m)
    assert.match(text.out, /^log\.level +"debug" +environment variable LOG_LEVEL$/m)
    assert.match(text.out, /^sources\[0\]\.enabled +true +default$/m)
    assert.match(text.out, /^metrics\.enabled +true +default$/m)
    for (const { code, out } of [text, json, yaml]) {
      assert.equal(code, 0)
      assert.ok(!out.includes(canary), out)
      assert.match(out, /postgres:\/\/bob:<redacted>@db\/roster/)
      assert.match(out, /ops/)
    }
    assert.equal((JSON.parse(json.out) as { listen: { port: number } }).listen.port, 7777)
  })

  it('reports an invalid config and exits with 1', async () => {
    const { code, err } = await running(['config', 'show', '--config', file('w.yaml', 'log: { level: loud }')])

    assert.equal(code, 1)
    assert.match(err, /w\.yaml:1: log\.level: must be one of/)
  })
})
