import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { temporary } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'
import { startMcp } from './connect/mcp-servers.ts'
import { createServerFile } from './connect/server-file.ts'

const run = promisify(execFile)

/** The oldest Node that the libraries promise, where another one than that of the tests is installed. */
function olderNode(): { readonly path: string; readonly skip: false | string } {
  const paths = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  const older = [...new Set(paths)].find(
    (path) => existsSync(path) && execFileSync(path, ['--version'], { encoding: 'utf8' }).startsWith('v20.'),
  )
  return { path: older ?? '', skip: older === undefined && 'needs a Node 20 on PATH' }
}

const connects = `
import { connectServers } from './dist/client/connect/index.js'
const fleet = await connectServers({ roster: process.argv[2] })
console.log(fleet.active.join(), (await fleet.call('forecast')).content[0].text, fleet.tools('ai-sdk').modern__forecast !== undefined)
const events = fleet.events()
await fleet.reconnect()
for (let connected = 0; connected < 2; ) if ((await events.next()).value.type === 'connected') connected += 1
await fleet.close()
console.log('closed', fleet.active.length)
`

const serves = `
import { createAgent } from './dist/client/agent/index.js'
import { connectServers } from './dist/client/connect/index.js'
const roster = process.argv[2]
const agent = createAgent({ id: 'greeter-1', roster, host: '127.0.0.1', health_interval: 1 })
agent.tool('greet', { capability: 'greeting' }, ({ who }) => 'hello ' + who)
await agent.start()
const fleet = await connectServers({ roster, query: { capability: 'greeting' } })
console.log((await fleet.call('greet', { who: 'node' })).content[0].text)
await fleet.close()
await agent.close()
`

const withoutPeers = `
import { connectServers } from './dist/client/connect/index.js'
import { createAgent } from './dist/client/agent/index.js'
const roster = process.argv[2]
await connectServers({ roster }).catch(({ message }) => console.log('eager:', message))
const fleet = await connectServers({ roster, lazy: true, autoReconnect: false })
await fleet.connect('modern')
console.log('lazy:', fleet.get('modern').reason)
await fleet.close()
const agent = createAgent({ id: 'greeter-1', roster })
agent.tool('greet', {}, () => 'hello')
await agent.start().catch(({ message }) => console.log('agent:', message))
`

describe('the built libraries', () => {
  const folder = temporary()
  const opened = new AsyncDisposableStack()
  let url = ''

  before(async () => {
    const built = process.env['ROSTER_BUILT_MAIN']
    if (built === undefined) await run(process.execPath, ['config/build.ts', folder.at('dist')])
    else
      for (const part of ['client', 'types'])
        cpSync(join(dirname(built), part), folder.at('dist', part), { recursive: true })
    const [modern, dual] = [await startMcp({ legacy: 'reject' }), await startMcp()]
    opened.use(modern)
    opened.use(dual)
    const place = opened.use(await createServerFile({ modern: { url: modern.url }, dual: { url: dual.url } }))
    url = place.daemon.url
    for (const [name, text] of Object.entries({ connects, serves, withoutPeers })) {
      writeFileSync(folder.at(`${name}.mjs`), text)
    }
    copyFileSync('package.json', folder.at('package.json'))
  })

  after(async () => {
    await opened.disposeAsync()
    folder[Symbol.dispose]()
  })

  it('load without their peers, and name the package that is missing when they need it', async () => {
    const { stdout } = await run(process.execPath, [folder.at('withoutPeers.mjs'), url], { timeout: 30_000 })

    const missing = (name: string) => `the package ${name} is not installed: npm install ${name}`
    assert.deepEqual(stdout.trim().split('\n'), [
      `eager: ${missing('@modelcontextprotocol/client')}`,
      `lazy: ${missing('@modelcontextprotocol/client')}`,
      `agent: ${missing('@modelcontextprotocol/server')}`,
    ])
  })

  it('have their sizes: the roster client below 12 kB with gzip, the others below 40', () => {
    const sizeOf = (...path: string[]) => gzipSync(readFileSync(folder.at('dist', 'client', ...path))).length

    assert.ok(sizeOf('index.js') < 12_000)
    assert.ok(sizeOf('connect', 'index.js') < 40_000)
    assert.ok(sizeOf('agent', 'index.js') < 40_000)
    assert.doesNotMatch(readFileSync(folder.at('dist', 'client', 'index.js'), 'utf8'), /^import /m)
  })

  it('are in the package with their types', async () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      exports: Record<string, Record<string, string>>
    }
    const pack = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline']
    const { stdout } = await run('npm', pack, { cwd: folder.path })
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]

    assert.deepEqual(Object.keys(exports), ['.', './connect', './agent'])
    const packed = new Set(files.map(({ path }) => `./${path}`))
    assert.deepEqual(
      Object.values(exports)
        .flatMap((one) => Object.values(one))
        .filter((path) => !packed.has(path)),
      [],
    )
  })

  const older = olderNode()
  it('connect, call, close and serve an agent on Node 20', { skip: older.skip }, async () => {
    symlinkSync(resolve('node_modules'), folder.at('node_modules'))
    await using daemon = await startHere('sources: [{ type: agents }]')

    const connected = await run(older.path, [folder.at('connects.mjs'), url], { timeout: 30_000 })
    assert.deepEqual(connected.stdout.trim().split('\n'), ['default/dual,default/modern sunny true', 'closed 0'])
    const served = await run(older.path, [folder.at('serves.mjs'), daemon.url], { timeout: 30_000 })
    assert.equal(served.stdout, 'hello node\n')
  })
})
