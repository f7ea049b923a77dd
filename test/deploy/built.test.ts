import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, globSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { temporary, until } from '../e2e/daemon-process.ts'

describe('the build', () => {
  const folder = temporary()
  const cache = folder.at('cache')
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder.path, NODE_COMPILE_CACHE: cache }
  const kept = (command: string) => globSync(`${cache}/*/script-*-${command}`)
  const shown = () =>
    spawnSync(process.execPath, [folder.at('dist/main.js'), 'config', 'show'], { env, encoding: 'utf8' })

  before(() => {
    const built = process.env['ROSTER_BUILT_MAIN']
    if (built === undefined) execFileSync(process.execPath, ['config/build.ts', folder.at('dist')])
    else cpSync(dirname(built), folder.at('dist'), { recursive: true })
    writeFileSync(folder.at('package.json'), readFileSync('package.json'))
  })
  after(() => folder[Symbol.dispose]())

  it('build caches the compiled code of a command and uses it at the next start', () => {
    const first = shown()
    const [file = assert.fail('nothing was kept')] = kept('config')
    const made = statSync(file)
    const second = shown()

    assert.equal(first.status, 0, first.stderr)
    assert.match(first.stdout, /sources/)
    assert.deepEqual([second.status, second.stdout, second.stderr], [0, first.stdout, ''])
    assert.equal(statSync(file).ino, made.ino)
  })

  it('build ignores an unusable code cache and writes a new one', () => {
    const usual = shown().stdout
    const [file = assert.fail('nothing was kept')] = kept('config')
    const { size } = statSync(file)
    for (const rest of [0, 10, size - 1000]) {
      truncateSync(file, rest)
      const { status, stdout, stderr } = shown()

      assert.deepEqual([status, stdout, stderr], [0, usual, ''])
      assert.ok(statSync(file).size > size / 2)
    }
  })

  it('build ignores a code cache with a flipped bit', () => {
    const usual = shown().stdout
    for (const part of [0.2, 0.3, 0.4, 0.6, 0.8]) {
      const [file = assert.fail('nothing was kept')] = kept('config')
      const bytes = readFileSync(file)
      bytes[Math.floor(bytes.length * part)]! ^= 0x10
      writeFileSync(file, bytes)
      const { ino } = statSync(file)
      const { status, stdout, stderr } = shown()

      assert.deepEqual([status, stdout, stderr], [0, usual, ''])
      assert.notEqual(statSync(file).ino, ino, 'a new cache file was written')
    }
  })

  it('build keeps the code cache in a private folder unless configured otherwise', () => {
    const { NODE_COMPILE_CACHE: _told, ...untold } = env
    const { status } = spawnSync(process.execPath, [folder.at('dist/main.js'), 'config', 'show'], { env: untold })

    assert.equal(status, 0)
    assert.equal(globSync(folder.at('.cache/mcp-roster/*/script-*-config')).length, 1)
  })

  it('built daemon serves and caches the code of its start', async () => {
    const daemon = spawn(process.execPath, [folder.at('dist/main.js'), 'serve', '--host', 'localhost', '--port', '0'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      let printed = ''
      daemon.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      const url = await until(() => /"url":"(http:[^"]+)"/.exec(printed)?.[1])
      const answer = await fetch(`${url}/servers`)
      const document = (await (await fetch(`${url}/openapi.json`)).json()) as { info: { title: string } }

      assert.equal(answer.status, 200)
      assert.equal(document.info.title, 'mcp-roster')
      await until(() => kept('serve').length > 0)
    } finally {
      daemon.kill('SIGTERM')
      await once(daemon, 'exit')
    }
    assert.equal(daemon.exitCode, 0)
  })

  /** Starts the built daemon; its stderr says at its end whether it loaded the `fetch` of Node. */
  async function startBuilt() {
    const sayLoaded =
      'process.on("exit", () => process._rawDebug("fetch", process.moduleLoadList.some((name) => name.endsWith("/undici"))))'
    const daemon = spawn(
      process.execPath,
      [
        '--import',
        `data:text/javascript,${sayLoaded}`,
        folder.at('dist/main.js'),
        'serve',
        '--host',
        'localhost',
        '--port',
        '0',
      ],
      { env: { ...env, AUTH_TOKEN: 'built' }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let printed = ''
    let errors = ''
    daemon.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    daemon.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const url = await until(() => /"url":"(http:[^"]+)"/.exec(printed)?.[1])
    const stop = async () => {
      daemon.kill('SIGTERM')
      if (daemon.exitCode === null) await once(daemon, 'close')
      return errors
    }
    return { url, stop, [Symbol.asyncDispose]: () => stop().then(() => {}) }
  }

  it('built daemon answers lists without loading the fetch of Node', async () => {
    await using daemon = await startBuilt()
    const list = `${daemon.url}/servers`
    const etag = await until(async () => (await fetch(list)).headers.get('etag') ?? undefined)
    const unchanged = await fetch(list, { headers: { 'if-none-match': etag } })
    const absent = await fetch(`${list}/absent`)

    assert.deepEqual([unchanged.status, absent.status], [304, 404])
    assert.equal(await daemon.stop(), 'fetch false\n')
  })

  it('built daemon answers MCP, watches, compressed lists and malformed requests through the adapter', async () => {
    await using daemon = await startBuilt()
    const { url } = daemon
    const authorization = 'Bearer built'
    const tools = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    const watch = await fetch(`${url}/servers/watch`, { headers: { authorization } })
    const reader = watch.body!.getReader()
    let events = ''
    // What comes in one piece of the network can be read in several.
    while (!events.includes('event:')) events += Buffer.from((await reader.read()).value ?? []).toString()
    await reader.cancel()
    const malformed = await fetch(`${url}/servers`, { method: 'POST', headers: { authorization }, body: '{' })
    const head = await fetch(`${url}/openapi.json`, { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } })

    assert.equal(tools.status, 200)
    assert.match(await tools.text(), /register_agent/)
    assert.match(watch.headers.get('content-type') ?? '', /event-stream/)
    assert.match(events, /^event: (ADDED|BOOKMARK)$/m)
    assert.equal(malformed.status, 400)
    assert.equal(malformed.headers.get('content-type'), 'application/problem+json')
    assert.deepEqual([head.status, head.headers.get('content-encoding')], [200, 'gzip'])
  })
})
