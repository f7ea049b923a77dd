import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { temporary, until } from '../e2e/running.ts'

describe('what is built', () => {
  const built = temporary()
  const main = built.at('dist/main.js')

  before(() => {
    execFileSync(process.execPath, ['config/build.ts', built.at('dist')])
    writeFileSync(built.at('package.json'), readFileSync('package.json'))
  })
  after(() => built[Symbol.dispose]())

  it('serves', async () => {
    using home = temporary()
    const daemon = spawn(process.execPath, [main, 'serve', '--host', 'localhost', '--port', '0'], {
      env: { HOME: home.path },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      let printed = ''
      daemon.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      const url = await until(() => /"url":"(http:[^"]+)"/.exec(printed)?.[1])

      assert.equal((await fetch(`${url}/servers`)).status, 200)
      assert.equal((await fetch(`${url}/openapi.json`)).status, 200)
    } finally {
      daemon.kill('SIGTERM')
      await once(daemon, 'exit')
    }
    assert.equal(daemon.exitCode, 0)
  })

  for (const [variable, path] of [
    ['HOME', '.cache/mcp-roster'],
    ['XDG_CACHE_HOME', 'mcp-roster'],
    ['NODE_COMPILE_CACHE', '.'],
  ] as const) {
    it(`keeps compiled code below $${variable}, and not in the temporary folder of all`, () => {
      using place = temporary()
      using elsewhere = temporary()
      const env = { HOME: elsewhere.path, TMPDIR: elsewhere.path, [variable]: place.path }
      const { status } = spawnSync(process.execPath, [main, 'config', 'show'], { env })

      assert.equal(status, 0)
      assert.ok(globSync(place.at(`${path}/*/*`)).length > 0)
      assert.deepEqual(globSync(elsewhere.at('**/*')), [])
    })
  }
})
