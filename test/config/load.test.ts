import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Flags, loadConfig } from '../../src/config/load.ts'
import { ConfigError, describeOrigin } from '../../src/config/setting-origin.ts'
import { platform } from './platform.ts'

const canary = 'c4nary-do-not-sing'
let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'))
})
after(() => rm(folder, { recursive: true }))

async function load(text?: string, { env = {}, flags = {} }: { env?: Record<string, string>; flags?: Flags } = {}) {
  const config = join(folder, 'config.yaml')
  if (text !== undefined) await writeFile(config, text)
  return loadConfig({
    flags: { ...flags, ...(text !== undefined && { config }) },
    env,
    platform,
    defaultFile: join(folder, 'nothing-here.yaml'),
  })
}

async function problemLines(text: string, options?: Parameters<typeof load>[1]): Promise<readonly string[]> {
  const error: unknown = await load(text, options).then(
    () => assert.fail('was accepted'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof ConfigError, String(error))
  return error.message.replaceAll(`${folder}/`, '').split('\n')
}

describe('loadConfig', () => {
  it('normalizes CORS origins to the form that browsers send, and rejects anything else', async () => {
    const spelled = ['https://Portal.example:443/', 'http://localhost:3000', 'vscode-webview://Abc', 'null', '*']
    const { config } = await load(`cors: { origins: ${JSON.stringify(spelled)} }\n`)

    assert.deepEqual(config.cors.origins, [
      'https://portal.example',
      'http://localhost:3000',
      'vscode-webview://abc',
      'null',
      '*',
    ])
    for (const wrong of [
      'portal.example',
      'https://portal.example/app',
      'https://*.example',
      'http://localhost:*',
      'https://',
      '',
    ])
      assert.deepEqual(await problemLines(`cors:\n  origins: [${JSON.stringify(wrong)}]\n`), [
        'config.yaml:2: cors.origins[0]: must be an origin such as https://portal.example, without a path, or *',
      ])
  })

  it('has working defaults without a config', async () => {
    const { config, file, warnings } = await load()

    assert.equal(config.listen.host, 'localhost')
    assert.equal(config.listen.port, 8000)
    assert.deepEqual(config.sources.map(({ name }) => name).slice(0, 2), ['env', 'file'])
    assert.deepEqual(config.store, { type: 'sqlite', path: '/state/roster.db' })
    assert.equal(file, undefined)
    assert.deepEqual(warnings, [])
  })

  it('runs commands of no source that is pulled, written by hand or unknown', async () => {
    const text =
      'sources: [{ type: file, name: mine, paths: [a] }, { type: http, name: partner, url: "https://a.example" }, { type: agents }]\n'

    const own = await load(`${text}health: { stdio: [mine] }\n`)

    assert.deepEqual(own.config.health.stdio, ['mine'])
    for (const [name, message] of [
      ['partner', /health\.stdio.*type http are never run/s],
      ['agents', /health\.stdio.*type agents are never run/s],
      ['mien', /health\.stdio.*no source "mien"; did you mean "mine"\?/s],
    ] as const)
      await assert.rejects(load(`${text}health: { stdio: [${name}] }\n`), message)
  })

  it('listens on all addresses in a container, and watches the cluster only inside one', async () => {
    const container = await loadConfig({ env: {}, platform: { ...platform, container: true }, defaultFile: '/nope' })
    const cluster = await loadConfig({ env: {}, platform: { ...platform, cluster: true }, defaultFile: '/nope' })

    assert.equal(container.config.listen.host, '0.0.0.0')
    assert.equal(describeOrigin(container.originOf(['listen', 'host'])), 'default (in a container)')
    assert.ok(!container.config.sources.some(({ type }) => type === 'kubernetes'))
    assert.ok(cluster.config.sources.some(({ type }) => type === 'kubernetes'))
  })

  it('prefers flag over environment over file over default, and keeps the origin of each setting', async () => {
    const text = 'listen:\n  host: 10.0.0.1\n  port: 1000\nlog:\n  level: warn\n'
    const env = { MCP_ROSTER_LISTEN_PORT: '2000', MCP_ROSTER_LOG_LEVEL: 'error' }
    const { config, originOf } = await load(text, { env, flags: { logLevel: 'debug' } })

    assert.deepEqual([config.listen.host, config.listen.port, config.log.level], ['10.0.0.1', 2000, 'debug'])
    assert.equal(describeOrigin(originOf(['listen', 'host'])), `${folder}/config.yaml:2`)
    assert.equal(describeOrigin(originOf(['listen', 'port'])), 'environment variable MCP_ROSTER_LISTEN_PORT')
    assert.equal(describeOrigin(originOf(['log', 'level'])), 'flag --log-level')
    assert.equal(describeOrigin(originOf(['metrics', 'enabled'])), 'default')
  })

  it('replaces the default sources by those of the file, and the paths of the file source by the arguments', async () => {
    const text =
      'sources:\n  - { type: env }\n  - { type: file, name: mine, paths: [servers, ~/more, /abs], rescan: 5m }\n'

    const own = await load(text)
    const given = await load(text, { flags: { paths: ['here'] } })
    const added = await load('sources: [{ type: env }]', { flags: { paths: ['here'] } })

    assert.deepEqual(own.config.sources[1], {
      ...own.config.sources[1],
      paths: [`${folder}/servers`, '/home/ann/more', '/abs'],
      rescan: 300,
    })
    assert.deepEqual(
      given.config.sources.map((source) => 'paths' in source && source.paths),
      [false, ['/srv/here']],
    )
    assert.deepEqual(
      added.config.sources.map(({ type }) => type),
      ['file', 'env'],
    )
  })

  it('expands placeholders to the type of the setting', async () => {
    const text = [
      'listen:',
      '  port: ${PORT_OF_MINE}',
      '  host: "${HOST_OF_MINE:-127.0.0.1}"',
      'auth: { token: "${TOKEN_OF_MINE}" }',
      'cors: { enabled: "${CORS_OF_MINE:-false}" }',
      'sources: [{ type: env, name: "a$${B}" }]',
    ].join('\n')
    const env = { PORT_OF_MINE: '7000', TOKEN_OF_MINE: '12345' }

    const lines = await problemLines(text, { env })
    const { config } = await load(text.replace('a$${B}', 'a'), { env })

    assert.match(lines[0] ?? '', /sources\[0\]\.name/)
    assert.deepEqual(
      [config.listen.port, config.listen.host, config.auth.token, config.cors.enabled],
      [7000, '127.0.0.1', '12345', false],
    )
  })

  it('reads an empty section, and a file of comments only, as defaults', async () => {
    assert.equal((await load('log:\n#  level: warn\n')).config.log.level, 'info')
    assert.equal((await load('# nothing yet\n')).config.log.level, 'info')
  })

  it('reads an IPv6 address with or without brackets', async () => {
    assert.equal((await load(undefined, { flags: { host: '[::1]' } })).config.listen.host, '::1')
    assert.equal((await load('listen: { host: "::1" }')).config.listen.host, '::1')
  })
})

describe('an invalid config', () => {
  for (const [what, text, expected] of [
    ['an unknown key', 'listen:\n  prot: 1\n', ['config.yaml:2: listen.prot: unknown setting; did you mean "port"?']],
    [
      'an unknown section',
      'a: 1\nlisten: {}\n',
      [/^config\.yaml:1: a: unknown setting; valid here are listen, sources/],
    ],
    ['a wrong type', 'listen:\n\n  port: eighty\n', ['config.yaml:3: listen.port: must be a number, not text']],
    ['a number out of range', 'listen: { port: 70000 }', ['config.yaml:1: listen.port: must be at most 65535']],
    ['an invalid choice', 'log:\n  level: loud\n', [/^config\.yaml:2: log\.level: must be one of trace, debug/]],
    [
      'a source of an unknown type',
      'sources:\n  - type: env\n  - type: fil\n',
      [/^config\.yaml:3: sources\[1\]\.type: must be one of env, file/],
    ],
    ['a source without a type', 'sources:\n  - paths: [a]\n', [/^config\.yaml:2: sources\[0\]\.type: is needed/]],
    [
      'two sources with one name',
      'sources:\n  - type: env\n  - type: env\n',
      [/^config\.yaml:3: sources\[1\]\.name: duplicate name "env", used by sources\[0\] too/],
    ],
    ['a number for a section', 'listen: 8000\n', ['config.yaml:1: listen: must be a map, not a number']],
    ['a list for the config', '- a\n', [/^config\.yaml:1: must be a map of settings/]],
    ['invalid YAML', 'listen:\n  port: [1\n', [/^config\.yaml:\d: invalid YAML: /]],
    ['a duplicate key', 'listen: {}\nlisten: {}\n', [/^config\.yaml:2: invalid YAML: Map keys must be unique/]],
    ['a second document', 'listen: {}\n---\nlog: {}\n', [/^config\.yaml:[23]: the file has a second YAML document/]],
    ['a blank file', ' \n\n', [/^config\.yaml:1: the file is blank/]],
    [
      'an unset variable',
      'log:\n  level: ${NOT_SET_ANYWHERE}\n',
      [/^config\.yaml:2: log\.level: environment variable NOT_SET_ANYWHERE is not set/],
    ],
    [
      'an unset variable with the name of an object property',
      'log:\n  level: ${constructor}\n',
      [/^config\.yaml:2: log\.level: environment variable constructor is not set/],
    ],
    ['excessive YAML aliases', bomb(), [/^config\.yaml:1: Excessive alias count/]],
    ['several problems', 'log: { level: 1 }\nlisten: { port: x }\n', [/^config\.yaml:\d/, /^config\.yaml:\d/]],
  ] as const) {
    it(`reports file, line and key of ${what}`, async () => {
      const lines = await problemLines(text)

      assert.equal(lines.length, expected.length, lines.join('\n'))
      for (const [index, one] of expected.entries()) {
        if (typeof one === 'string') assert.equal(lines[index], one)
        else assert.match(lines[index] ?? '', one)
      }
    })
  }

  it('must not repeat a token or a name, while a file may hold several tokens', async () => {
    const grants = (...tokens: string[]) => `auth:\n  tokens:\n${tokens.map((one) => `    - ${one}\n`).join('')}`

    assert.deepEqual(
      await problemLines(grants(`{ name: a, token: ${canary}, role: admin }`, `{ name: b, token: ${canary} }`)),
      ['config.yaml:4: auth.tokens[1].token: is also the token of auth.tokens[0]; each token may appear once'],
    )
    assert.match(
      (await problemLines(grants('{ name: ops, token: old }', '{ name: ops, token: new }'))).join(),
      /auth\.tokens\[1\]\.name: is also the name of auth\.tokens\[0\].*token_file/,
    )
  })

  it('is reported with the variable or flag at fault', async () => {
    const lines = await problemLines('{}', {
      env: { MCP_ROSTER_LISTEN_PORT: 'x', ENABLE_CORS: 'maybe', LOG_LEVEL: 'loud' },
      flags: { port: '-1' },
    })

    assert.deepEqual(lines, [
      'environment variable ENABLE_CORS: cors.enabled: must be true or false',
      'environment variable MCP_ROSTER_LISTEN_PORT: listen.port: must be a number',
      'flag --port: listen.port: must be at least 0',
      'environment variable LOG_LEVEL: log.level: must be one of trace, debug, info, warn, error, fatal, silent',
    ])
  })

  it('is reported where its file cannot be read, with the reason', async () => {
    for (const [file, why] of [
      ['/no/such/config.yaml', /\/no\/such\/config\.yaml: no such file/],
      [folder, /is a directory, not a file/],
      ['/dev/null', /is a special file, not a file/],
    ] as const) {
      await assert.rejects(loadConfig({ flags: { config: file }, env: {}, platform }), why)
    }
  })

  it('is reported without its secrets', async () => {
    for (const text of [
      `auth: { token: [${canary}] }`,
      `auth: { tokens: [{ name: 1, token: "${canary} with space", role: x }] }`,
      `store: { type: postgres, url: "mongodb://bob:${canary}@h/db" }`,
      `store: { type: sqlite, url: "postgres://bob:${canary}@h/db" }`,
      `auth: { token: ${canary}\n broken`,
    ]) {
      const message = (await problemLines(text)).join('\n')
      assert.ok(!message.includes(canary), message)
    }
  })
})

function bomb(): string {
  const levels = Array.from(
    { length: 9 },
    (_, at) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(', ')}]`,
  )
  return `l0: &l0 [a, a, a, a, a, a, a, a, a]\n${levels.join('\n')}\n`
}
