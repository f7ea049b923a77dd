import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { temporary, until } from './daemon-process.ts'

type Listed = { servers: { name: string }[] }
type Source = { note?: string; rejections: { where?: string; reason: string }[] }
type ProblemBody = { detail: string; errors?: { field: string; problem: string }[] }

describe('a folder of server files', () => {
  it('takes .jsonc and .json5 files, and names what it ignores at /sources and once in the log', async () => {
    using folder = temporary()
    mkdirSync(folder.at('mcp', 'sub'), { recursive: true })
    const put = (name: string, text: string) => writeFileSync(folder.at('mcp', name), text)
    put('code.jsonc', '{ // of VS Code\n  "servers": { "from-jsonc": { "url": "http://a.example/mcp", }, },\n}')
    put(
      'five.json5',
      "// by hand\n{\n  mcpServers: {\n    'from-json5': { command: 'n\\x70x', args: ['it\\'s',], },\n    broken: { url: +.5, },\n  },\n}\n",
    )
    put('notes.txt', 'nothing')
    put('.hidden.yaml', 'servers: {}')
    put('sub/inner.yaml', 'servers: { inner: { command: x } }')
    await using daemon = await startHere(
      'health: { enabled: false }\nsources: [{ type: file, paths: [mcp], rescan: 0.1 }]\n',
      { folder },
    )
    await until(async () => (await daemon.ask<Listed>('GET', '/servers')).body.servers.length === 2)

    const { body: list } = await daemon.ask<{ servers: Record<string, unknown>[] }>('GET', '/servers?view=full')
    assert.deepEqual(
      list.servers.map(({ name, args }) => [name, args]),
      [
        ['from-json5', ["it's"]],
        ['from-jsonc', undefined],
      ],
    )
    const source = await daemon.ask<Source>('GET', '/sources/file')
    assert.equal(source.body.note, `ignored in ${folder.at('mcp')}: notes.txt, sub/ (recursive is off)`)
    assert.deepEqual(
      source.body.rejections.map(({ where }) => where),
      ['line 5, mcpServers.broken'],
    )
    await daemon.ask('POST', '/sources/file/refresh')
    await daemon.ask('POST', '/sources/file/refresh')
    assert.equal(daemon.lines.filter(({ msg }) => msg === 'files ignored').length, 1)
  })
})

describe('a server written over HTTP', () => {
  it('with an unknown field is a 400 that suggests the known one', async () => {
    await using daemon = await startHere('store: { type: memory }\nsources: []\n')
    const server = { url: 'http://weather.example/mcp', health_check: 'none' }
    const errorsOf = async (method: string, path: string, body: object) => {
      const { status, body: problem } = await daemon.ask<ProblemBody>(method, path, body)
      return [status, ...(problem.errors ?? []).map(({ field, problem: text }) => `${field}: ${text}`)]
    }

    assert.deepEqual(await errorsOf('PUT', '/servers/x', { ...server, tag: ['geo'] }), [
      400,
      'tag: unknown field; did you mean "tags"?',
    ])
    assert.deepEqual(await errorsOf('POST', '/servers', { ...server, name: 'x', colour: 'red' }), [
      400,
      'colour: unknown field',
    ])
    assert.deepEqual(await errorsOf('PUT', '/servers/x', { ...server, disabled: true }), [
      400,
      'disabled: unknown field; write enabled: false',
    ])
    assert.equal((await daemon.ask('PUT', '/servers/x', server)).status, 201)
    assert.deepEqual(await errorsOf('PATCH', '/servers/x', { descripton: 'x' }), [
      400,
      'descripton: unknown field; did you mean "description"?',
    ])
    // What GET shows can be written back.
    const shown = await daemon.ask<object>('GET', '/servers/x')
    assert.equal((await daemon.ask('PUT', '/servers/x', { ...shown.body, title: 'X' })).status, 200)
    const full = await daemon.ask<{ servers: object[] }>('GET', '/servers?view=full')
    assert.equal((await daemon.ask('PUT', '/servers/x', full.body.servers[0])).status, 200)
  })
})
