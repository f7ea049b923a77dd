import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { type Running, start, temporary, until } from './daemon-process.ts'

type Listed = { servers: { name: string; stale: boolean }[]; resource_version: string }
type Source = {
  state: string
  rejected: number
  origins: { origin: string; stale: boolean; error?: string }[]
  rejections: { name?: string; reason: string; where?: string }[]
}

const names = async ({ json }: Running) => (await json<Listed>('/servers')).servers.map(({ name }) => name)
const fileSource = async ({ json }: Running) => await json<Source>('/sources/file')
const server = (name: string) => `servers:\n  ${name}: { command: x }\n`

/** Documents that attack the parser, and the error expected for each. */
const bombs: Readonly<Record<string, readonly [text: string | Buffer, expectedError: RegExp]>> = {
  'laughs.yaml': [
    `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`).join('\n')}\nservers: { x: { command: y, metadata: { a: *a30 } } }\n`,
    /aliases expanded/,
  ],
  'merge.yaml': [
    `${Array.from({ length: 3000 }, (_, n) => `m${n}: &m${n} { ${n ? `<<: *m${n - 1}, ` : ''}k${n}: 1 }`).join('\n')}\nservers: { x: { command: y, metadata: *m2999 } }\n`,
    /./,
  ],
  'deep.yaml': [`servers: ${'['.repeat(5000)}${']'.repeat(5000)}\n`, /nested deeper than/],
  'deep.json': [`{"servers": ${'['.repeat(5000)}${']'.repeat(5000)}}`, /./],
  'block.yaml': [`servers:\n${Array.from({ length: 5000 }, (_, n) => `${' '.repeat(n + 1)}a:`).join('\n')}`, /./],
  'big.yaml': [`servers: { x: { command: y, description: "${'x'.repeat(10_000_000)}" } }\n`, /too large/],
  'big.json': [`{"servers": {"x": {"command": "y", "description": "${'x'.repeat(10_000_000)}"}}}`, /too large/],
  'double.yaml': ['servers:\n  x: { command: y }\n  x: { command: z }\n', /same key twice/],
  'nul.yaml': ['servers:\n  x: { command: "a\0b" }\n', /NUL/],
  'latin.yaml': [Buffer.from([0x73, 0x3a, 0x20, 0xff, 0xfe]), /UTF-8/],
  'tag.yaml': ['servers: !!js/function "function () {}"\n', /tag/],
  'list.yaml': ['- 1\n- two\n', /./],
  'text.yaml': ['just words', /unknown document format/],
  'blank.yaml': ['  \n', /blank/],
  'quoted.json': ['{"servers": {"x": ', /JSON ends too early/],
  'numbers.json': ['{"servers": 1e400}', /servers/],
}

/** Documents of a known format with bad entries: the entries are rejected, not the document. */
const entries = new Set(['list.yaml', 'merge.yaml', 'deep.json'])

/** Entries with one defect each; their neighbour in the same document is good. */
const wrong: Readonly<Record<string, unknown>> = Object.fromEntries(
  [
    'command',
    'args',
    'env',
    'cwd',
    'url',
    'headers',
    'enabled',
    'tags',
    'labels',
    'annotations',
    'version',
    'type',
    'title',
    'capabilities',
    'dependencies',
    'health_check_url',
    'health_check',
    'health_check_interval',
    'auto_reconnect',
    'max_retries',
    'retry_delay',
    'metadata',
    'namespace',
    'description',
  ].map((field) => [
    `wrong-${field}`,
    {
      url: 'http://a.example/',
      [field]: ['tags', 'args', 'dependencies', 'capabilities'].includes(field) ? { a: 1 } : [[1]],
    },
  ]),
)

/** Sends a raw request; returns the bytes received until the server closes or the expected part arrives. */
async function raw(url: string, text: string): Promise<string> {
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  let answer = ''
  socket.setTimeout(10_000, () => socket.destroy())
  socket.on('error', () => undefined) // The daemon cut it while it was sending; the answer before that counts.
  socket.on('data', (chunk) => (answer += chunk.toString()))
  socket.write(text)
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

/** Sends a whole body before reading, as many clients do; returns the status. */
async function statusOfBody(url: string, megabytes: number, framing: 'length' | 'chunks'): Promise<string> {
  const { port, pathname } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1').pause()
  const closed = once(socket, 'close')
  const piece = Buffer.alloc(1024 * 1024, 120)
  const length = framing === 'length' ? `Content-Length: ${megabytes * piece.length}` : 'Transfer-Encoding: chunked'
  socket.write(`POST ${pathname} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${length}\r\n\r\n`)
  for (let sent = 0; sent < megabytes; sent += 1) {
    const part = framing === 'length' ? [piece] : [`${piece.length.toString(16)}\r\n`, piece, '\r\n']
    const goesOn = part.map((bytes) => socket.write(bytes)).every(Boolean)
    if (!goesOn) await once(socket, 'drain')
  }
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk.toString())).resume()
  await Promise.race([closed, until(() => answer.includes('\r\n\r\n'))])
  socket.destroy()
  return answer.slice(9, 12)
}

describe('bad input', () => {
  it('files: bad entries are rejected one by one, shown at /sources, and leave their neighbours in place', async () => {
    using folder = temporary()
    const place = folder.at('servers')
    mkdirSync(place)
    writeFileSync(`${place}/good.yaml`, server('good'))
    writeFileSync(`${place}/turning.yaml`, server('turning'))
    await using daemon = await start([place], { home: folder.path })
    await until(async () => (await names(daemon)).join() === 'good,turning')

    for (const [name, [text]] of Object.entries(bombs)) writeFileSync(`${place}/${name}`, text)
    writeFileSync(`${place}/turning.yaml`, bombs['laughs.yaml']?.[0] ?? '')
    mkdirSync(`${place}/directory.yaml`)
    execFileSync('mkfifo', [`${place}/fifo.yaml`])
    symlinkSync(`${place}/nowhere`, `${place}/dangling.yaml`)
    symlinkSync(`${place}/loop.yaml`, `${place}/loop.yaml`)
    writeFileSync(`${place}/unreadable.yaml`, server('unreadable'))
    chmodSync(`${place}/unreadable.yaml`, 0)
    writeFileSync(
      `${place}/proto.yaml`,
      'servers:\n  __proto__: { command: x }\n  poison: { command: x, metadata: { __proto__: { a: 1 } } }\n  constructor: { command: x }\n  beside: { command: x }\n',
    )
    writeFileSync(`${place}/proto.json`, '{"servers": {"__proto__": {"command": "x"}, "besidejson": {"command": "x"}}}')
    writeFileSync(`${place}/wrong.json`, JSON.stringify({ servers: { ...wrong, neighbour: { command: 'x' } } }))
    const slowest = { ms: 0 }
    const found = await until(async () => {
      const began = performance.now()
      const listed = await names(daemon)
      slowest.ms = Math.max(slowest.ms, performance.now() - began)
      assert.ok(listed.includes('good') && listed.includes('turning'), listed.join())
      const source = await fileSource(daemon)
      return source.rejected > 10 && source.origins.length > 20 && listed.includes('neighbour') && source
    }, 20)

    const errorOf = (name: string) => found.origins.find(({ origin }) => origin === `${place}/${name}`)?.error ?? ''
    for (const [name, [, expectedError]] of Object.entries(bombs)) {
      if (entries.has(name)) continue
      assert.match(errorOf(name), expectedError, name)
    }
    assert.match(errorOf('fifo.yaml'), /FIFO/)
    assert.match(errorOf('dangling.yaml'), /symbolic link/)
    assert.match(errorOf('loop.yaml'), /symbolic link/)
    if (process.getuid?.() !== 0) assert.match(errorOf('unreadable.yaml'), /permission denied/)
    for (const name of Object.keys(wrong)) {
      const { reason = '', where = '' } = found.rejections.find((one) => one.name === name) ?? {}
      const field = name.replace('wrong-', '')
      if (field === 'version' || field === 'name') continue
      assert.match(reason, new RegExp(field === 'url' ? 'url|type' : field), name)
      assert.doesNotMatch(reason, /Invalid|expected|received/, name)
      assert.ok(where.includes(name), where)
    }
    assert.ok((await daemon.json<{ polluted?: unknown }>('/stats')).polluted === undefined)
    assert.ok((await names(daemon)).includes('beside') && (await names(daemon)).includes('besidejson'))
    assert.ok(slowest.ms < 3000, `an answer took ${slowest.ms} ms meanwhile`)

    for (const name of Object.keys(bombs)) rmSync(`${place}/${name}`)
    writeFileSync(`${place}/turning.yaml`, server('turned'))
    await until(async () => (await names(daemon)).includes('turned'))
  })

  it('files: thousands appear and vanish at once while the daemon keeps answering', async () => {
    using folder = temporary()
    mkdirSync(folder.at('new'))
    mkdirSync(folder.at('servers'))
    writeFileSync(folder.at('servers', 'good.yaml'), server('good'))
    await using daemon = await start([folder.at('servers', '**/*.yaml')], { home: folder.path })
    await until(async () => (await names(daemon)).length === 1)

    for (let n = 0; n < 2000; n += 1) writeFileSync(folder.at('new', `${n}.yaml`), server(`s${n}`))
    renameSync(folder.at('new'), folder.at('servers', 'crowd'))
    await until(async () => (await names(daemon)).length === 2001, 15)
    rmSync(folder.at('servers', 'crowd'), { recursive: true })
    await until(async () => (await names(daemon)).join() === 'good', 15)
  })

  it('requests: malformed ones are refused with the reason while other clients are served', async () => {
    using folder = temporary()
    await using daemon = await start([folder.path], { home: folder.at('home') })
    const post = { 'content-type': 'application/json', connection: 'close' }
    const megabyte = 1024 * 1024
    const statuses = await Promise.all([
      raw(daemon.url, `GET /servers HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'x'.repeat(megabyte)}\r\n\r\n`),
      raw(daemon.url, `GET /${'x'.repeat(12_000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      raw(
        daemon.url,
        `GET /servers?${Array.from({ length: 1000 }, () => 'a=1').join('&')} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      ),
      raw(daemon.url, 'GET /servers HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
      raw(daemon.url, 'NONSENSE\r\n\r\n'),
      raw(daemon.url, 'GET /servers?tag=%00%ff%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      raw(daemon.url, 'GET /servers/%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      raw(daemon.url, 'GET /servers/%E0%A4%A HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      raw(daemon.url, 'GET /servers/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    ])
    assert.deepEqual(
      statuses.map((answer) => answer.slice(9, 12)),
      ['431', '414', '400', '421', '400', '200', '404', '404', '404'],
    )

    for (const path of ['/servers', '/heartbeat', '/mcp']) {
      assert.equal(await statusOfBody(`${daemon.url}${path}`, 100, 'length'), '413', path)
      assert.equal(await statusOfBody(`${daemon.url}${path}`, 20, 'chunks'), '413', path)
    }
    for (const body of [
      '{',
      '[]',
      'null',
      '"x"',
      '{"name": 1',
      '{"__proto__": {"command": "x"}}',
      '['.repeat(100_000),
    ]) {
      const { status } = await daemon.get('/servers', { method: 'POST', headers: post, body })
      assert.equal(status, 400, body.slice(0, 20))
    }
    const bad = await daemon.get(`/servers?label_selector=${'('.repeat(5000)}`)
    assert.equal(bad.status, 400)
    assert.equal((await daemon.get('/servers')).status, 200)
    assert.equal(({} as { command?: string }).command, undefined)
  })

  it('reload: an invalid config never takes effect, never stops the daemon, and is reported', async () => {
    using folder = temporary()
    writeFileSync(folder.at('team.yaml'), server('weather'))
    const good = `sources:\n  - { type: file, paths: [${folder.at('team.yaml')}] }\n`
    writeFileSync(folder.at('config.yaml'), good)
    await using daemon = await start(['--config', folder.at('config.yaml')], { home: folder.at('home') })
    await until(async () => (await names(daemon)).length === 1)
    const { resource_version } = await daemon.json<Listed>('/servers')

    const configs = [
      'sources: 1',
      'sources: [1]',
      'sources: [{}]',
      'listen: []',
      'health: { timeout: slow }',
      'health: { interval: 0 }',
      'nonsense: 1',
      'auth: { token: 5 }',
      'auth: { tokens: [{}] }',
      'a: &a [*a, *a]',
      '\0',
      'x: !!js/function ""',
      '[',
      'limits: { max_body_bytes: -1 }',
      `x: ${'['.repeat(5000)}`,
      'store: { type: floppy }',
      'log: { level: loud }',
      'sources: [{ type: file, name: a }, { type: env, name: a }]',
      '__proto__: { a: 1 }',
      'listen: { port: 1, port: 2 }',
      `${good}health: { deny: [everyone] }`,
      'log: ${NOT_SET}',
    ]
    for (const text of configs) {
      writeFileSync(folder.at('config.yaml'), text)
      const { status } = await daemon.get('/-/reload', { method: 'POST' })
      assert.equal(status, 422, text.slice(0, 40))
    }
    assert.match(await (await daemon.get('/metrics')).text(), /roster_config_last_reload_successful 0/)
    assert.equal((await daemon.get('/ready')).status, 200)
    assert.equal((await daemon.json<Listed>('/servers')).resource_version, resource_version)
    writeFileSync(folder.at('config.yaml'), good)
    assert.equal((await daemon.get('/-/reload', { method: 'POST' })).status, 200)
  })
})
