import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { startDaemon } from '../../src/daemon.ts'
import { running } from '../cli/command-runner.ts'
import { type Running, start, temporary, until } from './daemon-process.ts'

/** A canary that only its place marks as secret; `where` names the place that leaked it. */
const canary = (where: string) => `kanari7${where}`
const leaked = (text: string) => [...new Set(text.match(/kanari7\w*/g))]

const c = canary
const definition = (tag: string) => ({
  command: 'python',
  args: [
    '--api-token',
    c(`${tag}flag`),
    `--password=${c(`${tag}joined`)}`,
    '--header',
    `Authorization: Bearer ${c(`${tag}header`)}`,
  ],
  env: { API_KEY: c(`${tag}env`), PLAIN: c(`${tag}plainenv`) },
  metadata: { deep: { db_password: c(`${tag}metadata`) }, note: `postgres://u:${c(`${tag}metaurl`)}@db/x` },
  annotations: {
    'example.org/api-token': c(`${tag}annotation`),
    'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"x":"${c(`${tag}applied`)}"}}`,
  },
  description: `reach it with https://u:${c(`${tag}described`)}@host.example/`,
})
const remote = (tag: string) => ({
  url: `http://user:${c(`${tag}url`)}@127.0.0.1:9/mcp?api_key=${c(`${tag}query`)}`,
  headers: { Authorization: `Bearer ${c(`${tag}authorization`)}`, 'X-Plain': c(`${tag}plainheader`) },
  health_check_url: `http://127.0.0.1:9/health?token=${c(`${tag}check`)}`,
})

/** An agent with a secret in every field that can hold one. */
const agent = () => ({
  id: 'agent',
  description: `run it with --token=${c('agentdescription')}`,
  endpoint: `http://u:${c('agentpassword')}@agent.example/mcp?api_key=${c('agentquery')}`,
  annotations: { api_key: c('agentannotation') },
  config: { auth: { password: c('agentconfig') } },
  security_context: { api_key: c('agentsecurity') },
  version: `https://u:${c('agentversion')}@host.example/`,
  capabilities: [
    {
      name: 'forecast',
      description: `see https://u:${c('agentcapability')}@host.example/`,
      input_schema: { properties: { url: { default: `https://u:${c('agentschema')}@host.example/` } } },
    },
  ],
})

/** Files with secrets: valid ones, and broken ones whose error could quote the secret. */
function filesOf(): Record<string, string> {
  const good = { local: definition('a'), remote: remote('b') }
  return {
    'good.json': JSON.stringify({ mcpServers: good }),
    'broken.yaml': `servers:\n  x: { command: y, env: { API_KEY: ${c('brokenyaml')}\n  z: [`,
    'broken.json': `{"mcpServers": {"x": {"command": "y", "env": {"API_KEY": "${c('brokenjson')}"}},,}`,
    'alias.yaml': `servers:\n  x: { command: y, env: { API_KEY: *${c('alias')} } }\n`,
    'tag.yaml': `servers:\n  x: { command: y, env: { API_KEY: !${c('tag')} a } }\n`,
    'scalar.yaml': c('scalar'),
    'binary.yaml': `${c('binary')}\0`,
    'double.yaml': `servers:\n  x: { command: y, env: { API_KEY: ${c('double1')}, API_KEY: ${c('double2')} } }\n`,
    'wrong.yaml': [
      'servers:',
      `  envtext: { command: x, env: ${c('envtext')} }`,
      `  envlist: { command: x, env: [API_KEY=${c('envlist')}] }`,
      `  envdeep: { command: x, env: { API_KEY: { value: ${c('envdeep')} } } }`,
      `  headertext: { url: "http://a.example/", headers: ${c('headertext')} }`,
      `  headerdeep: { url: "http://a.example/", headers: { Authorization: [${c('headerdeep')}] } }`,
      `  badurl: { url: "postgres://u:${c('badurl')}@h/db" }`,
      `  badcheck: { url: "http://a.example/", health_check_url: "ftp://u:${c('badcheck')}@h/" }`,
      `  argstext: { command: x, args: "--token ${c('argstext')}" }`,
      `  argsdeep: { command: x, args: [{ token: ${c('argsdeep')} }] }`,
      `  interval: { command: x, health_check_interval: ${c('interval')} }`,
      `  kind: { url: "http://a.example/", type: "Bearer ${c('kind')}" }`,
    ].join('\n'),
  }
}

/** A directory that requires credentials, returns secrets, and quotes the request in its errors. */
async function openDirectory() {
  const server = createServer((request, response) => {
    const { authorization = '' } = request.headers
    if (request.url?.startsWith('/good')) {
      response.setHeader('content-type', 'application/json')
      return response.end(JSON.stringify({ servers: { pulled: remote('c') } }))
    }
    if (request.url?.startsWith('/garbled')) return response.end(`{"servers": {"x": "${c('garbled')}" ${authorization}`)
    response.writeHead(500, c('statusline'), { 'x-why': c('answerheader') })
    return response.end(`${c('answerbody')} ${request.url} ${authorization}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    at: (path: string) =>
      `http://user:${c('sourceurl')}@127.0.0.1:${(server.address() as AddressInfo).port}/${path}?api_key=${c('sourcequery')}`,
    [Symbol.asyncDispose]: async () => void (server.closeAllConnections(), server.close()),
  }
}

/** Output of a command on both channels, whatever its exit code. */
async function printedBy(args: readonly string[], env: Record<string, string>): Promise<string> {
  const { out, err } = await running(args, { env, startDaemon })
  assert.notEqual(out + err, '', `${args.join(' ')} printed nothing`)
  return out + err
}

/** Output of a daemon that fails to start. */
async function lastWords(home: string, env: Record<string, string>): Promise<string> {
  try {
    await using daemon = await start([], { home, env })
    assert.deepEqual(await daemon.exited, [1, null])
    return daemon.printed()
  } catch (error) {
    assert.match(String(error), /ended with 1/)
    return String(error)
  }
}

/** The beginning of an answer; an endless stream is left after its opening list. */
async function answered(daemon: Running, path: string, init: RequestInit = {}): Promise<string> {
  const response = await daemon.get(path, { ...init, signal: AbortSignal.timeout(10_000) })
  let text = [...response.headers].join('\n')
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString()
    if (text.includes('BOOKMARK')) break
  }
  return text
}

/** Every GET path, its parameters filled with every existing name. */
async function gettable(daemon: Running): Promise<string[]> {
  const { paths } = await daemon.json<{ paths: Record<string, object> }>('/openapi.json')
  const { servers } = await daemon.json<{ servers: { name: string }[] }>('/servers')
  const published = await daemon.json<{ servers?: { server: { name: string } }[] }>('/v0.1/servers')
  const { sources } = await daemon.json<{ sources: { name: string }[] }>('/sources')
  return Object.entries(paths)
    .filter(([, methods]) => 'get' in methods)
    .flatMap(([path]) => {
      if (!path.includes('{')) return [path]
      const names = path.includes('/sources/')
        ? sources
        : path.startsWith('/v0')
          ? (published.servers ?? []).map(({ server }) => server)
          : servers
      return names.map(({ name }) =>
        path
          .replace('{namespace}', 'default')
          .replace('{version}', 'latest')
          .replaceAll(/\{\w+\}/g, encodeURIComponent(name)),
      )
    })
}

const queries = [
  '/servers?view=full',
  '/servers?fields=env,headers,args,url,metadata,annotations',
  '/servers?watch=true',
  '/servers?q=kanari',
  '/discover?format=claude',
  '/discover?format=cursor',
  '/discover?format=vscode',
  '/servers?secrets=true',
  '/metrics?format=json',
]

describe('a secret', () => {
  it('secret appears in no answer, log line, error or command output, wherever it was placed', async () => {
    using folder = temporary()
    await using directory = await openDirectory()
    mkdirSync(folder.at('servers'))
    for (const [name, text] of Object.entries(filesOf())) writeFileSync(folder.at('servers', name), text)
    writeFileSync(folder.at('token'), `${c('tokenfile')}\n`)
    const config = (more = '') =>
      [
        'listen: { name: roster }',
        `auth: { tokens: [{ name: ops, token: ${c('admin')}, role: admin }, { name: file, token: "\${OTHER}" }] }`,
        'log: { level: trace, access: true }',
        'sources:',
        '  - { type: env }',
        `  - { type: file, paths: [${folder.at('servers')}] }`,
        ...['good', 'garbled', 'failing'].map(
          (path) =>
            `  - { type: http, name: ${path}, url: "${directory.at(path)}", headers: { X-Api-Key: ${c('sourceheader')} } }`,
        ),
        '  - { type: agents }',
        '  - { type: manual, allow_stdio: true }',
        more,
        '',
      ].join('\n')
    writeFileSync(folder.at('config.yaml'), config())
    const env = {
      MCP_SERVERS: JSON.stringify({ servers: { fromenv: definition('d') } }),
      AUTH_TOKEN: c('authtoken'),
      OTHER: c('othertoken'),
      HOME: folder.path,
    }
    await using daemon = await start(['--config', folder.at('config.yaml')], { home: folder.path, env })
    await until(async () => (await daemon.json<{ count: number }>('/servers')).count >= 4)

    const said: (readonly [from: string, text: string])[] = []
    const ask = async (path: string, init?: RequestInit) =>
      said.push([`${init?.method ?? 'GET'} ${path}`, await answered(daemon, path, init)])
    const admin = { authorization: `Bearer ${c('admin')}`, 'content-type': 'application/json' }
    const change = (method: string, path: string, body?: unknown) =>
      ask(path, {
        method,
        headers: admin,
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })

    await change('PUT', '/servers/default/byhand', definition('e'))
    await change('POST', '/servers', { name: 'alsobyhand', ...remote('f') })
    await change('POST', '/servers', { name: 'wrong', url: `postgres://u:${c('posted')}@h/`, env: c('postedenv') })
    await change('POST', '/servers', `{"name": "x", "env": {"A": "${c('postedbroken')}"`)
    await change('PATCH', '/servers/default/byhand', { env: [c('patched')], metadata: c('patchedmeta') })
    await change('POST', '/agents', agent())
    await change('POST', '/agents', { ...agent(), endpoint: `http://u:${c('agentwrong')}@` })
    await change('POST', '/heartbeat', { agent_id: 'agent', metadata: { api_key: c('beat') } })
    for (const name of ['remote', 'local', 'pulled', 'byhand']) await change('POST', `/servers/default/${name}/check`)
    for (const name of ['file', 'good', 'garbled', 'failing', 'env']) await change('POST', `/sources/${name}/refresh`)
    await change('POST', '/discover')
    await ask('/servers', { headers: { authorization: `Bearer ${c('wrongtoken')}` } })
    await ask(`/servers?api_key=${c('parameter')}`)
    await ask(`/servers?limit=${c('badlimit')}`, { headers: admin })
    writeFileSync(
      folder.at('config.yaml'),
      config(`  - { type: http, name: bad, url: "ftp://u:${c('badsource')}@h/", token: [${c('badtoken')}] }`),
    )
    await change('POST', '/-/reload')
    writeFileSync(folder.at('config.yaml'), config(`x: "${c('unclosed')}`))
    await change('POST', '/-/reload')
    for (const path of [...(await gettable(daemon)), ...queries]) {
      await ask(path)
      await ask(path, { headers: admin })
    }

    const remoteEnv = { ...env, MCP_ROSTER_URL: daemon.url, MCP_ROSTER_TOKEN: c('admin') }
    const commands = [
      ...['json', 'yaml', 'wide', 'name'].map((form) => ['list', '-o', form]),
      ...['json', 'yaml', 'wide', 'name'].map((form) => ['get', 'remote', '-o', form]),
      ['get', 'local'],
      ['export'],
      ...['claude', 'vscode'].map((form) => ['export', '--format', form]),
      ['check', '--config', folder.at('config.yaml')],
      ['check', folder.at('config.yaml')],
      ['check', ...Object.keys(filesOf()).map((name) => folder.at('servers', name))],
    ]
    const outputs = await Promise.all(
      commands.map(async (args) => [args.join(' '), await printedBy(args, remoteEnv)] as const),
    )
    said.push(...outputs)
    assert.equal(await daemon.stop(), 0)
    said.push(['log', daemon.printed()])

    const mostly = said.filter(([, text]) => text.includes('<redacted>'))
    assert.ok(mostly.length > 20, 'the secrets must be in use for the test to mean anything')
    assert.deepEqual(
      said.flatMap(([from, text]) => leaked(text).map((word) => `${from}: ${word}`)),
      [],
    )
  })

  it('secret of config, environment or database appears neither in config show nor in a failing start', async () => {
    using folder = temporary()
    writeFileSync(folder.at('token'), `${c('tokenfile')}\n`)
    writeFileSync(
      folder.at('config.yaml'),
      `auth: { tokens: [{ name: ops, token: ${c('configtoken')}, role: admin }] }\nsources:\n  - { type: http, name: x, url: "http://u:${c('sourceurl')}@127.0.0.1:9/?token=${c('sourcequery')}", token: ${c('sourcetoken')}, headers: { X-Any: ${c('sourceheader')} } }\n`,
    )
    const database = {
      DATABASE_URL: `postgres://roster:${c('database')}@127.0.0.1:9/roster?sslpassword=${c('databasequery')}`,
    }
    const parts = {
      DATABASE_TYPE: 'postgres',
      DATABASE_HOST: '127.0.0.1',
      DATABASE_PORT: '9',
      DATABASE_PASSWORD: c('databasepart'),
    }
    const broken = {
      DATABASE_URL: `oracle://roster:${c('unknowndatabase')}@127.0.0.1/x`,
      PORT: c('port'),
      HEALTH_CHECK_INTERVAL: c('interval'),
    }
    const surroundings = (env: Record<string, string>) => ({ AUTH_TOKEN_FILE: folder.at('token'), ...env })
    const shows = [database, parts, broken].flatMap((env) =>
      ['text', 'json', 'yaml'].map(
        (form) => [env, ['config', 'show', '-o', form, '--config', folder.at('config.yaml')]] as const,
      ),
    )
    const said = await Promise.all([
      ...shows.map(([env, args]) => printedBy(args, surroundings(env))),
      ...[database, broken].map((env) => lastWords(folder.path, surroundings(env))),
    ])

    assert.deepEqual(
      said.flatMap(leaked).filter((word) => !word.includes('port') && !word.includes('interval')),
      [],
    )
  })
})
