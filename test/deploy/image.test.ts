import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { start, temporary } from '../e2e/daemon-process.ts'
import { daemonFlags } from '../programs.ts'

type Instruction = { readonly word: string; readonly rest: string }

/** The stages of a Dockerfile, each from its FROM on. */
function stagesOf(text: string): Instruction[][] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  const stages: Instruction[][] = []
  for (const line of lines.join('\n').replaceAll('\\\n', ' ').split('\n')) {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line.trim()) ?? []
    if (word === 'FROM') stages.push([])
    stages.at(-1)?.push({ word, rest })
  }
  return stages
}

const text = readFileSync('deploy/Dockerfile', 'utf8')
const [build = [], image = []] = stagesOf(text)
const last = (word: string) => image.findLast((one) => one.word === word)?.rest ?? assert.fail(`no ${word}`)
const unit = readFileSync('deploy/systemd/mcp-roster.service', 'utf8')
const said = (key: string) =>
  unit.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? line.slice(key.length + 1) : []))

describe('the image', () => {
  it('image is built from the lockfile with the Node of the tests', () => {
    assert.ok(build.some(({ word, rest }) => word === 'RUN' && rest.startsWith('npm ci')))
    assert.ok(build.some(({ word, rest }) => word === 'RUN' && rest === 'npm run build'))
    assert.ok(
      build.findIndex(({ rest }) => rest.startsWith('npm ci')) < build.findIndex(({ rest }) => rest === 'src src'),
    )
    const { version } = JSON.parse(readFileSync('config/node-runtime/package.json', 'utf8')) as { version: string }
    assert.match(text, new RegExp(`^ARG NODE_VERSION=${version.replaceAll('.', '\\.')}$`, 'm'))
  })

  it('image copies only existing files that its ignore file admits', () => {
    const ignored = readFileSync('deploy/Dockerfile.dockerignore', 'utf8').split('\n')
    const copied = [...build, ...image]
      .filter(({ word, rest }) => word === 'COPY' && !rest.includes('--from='))
      .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
    assert.ok(copied.length > 5)
    for (const path of copied) {
      assert.ok(existsSync(path), path)
      assert.ok(ignored.includes(`!${path.split('/')[0]}`), `${path} is ignored`)
    }
    assert.equal(
      ignored.find((line) => !line.startsWith('#')),
      '*',
    )
  })

  it('image runs node directly as an unprivileged user without a package manager', () => {
    assert.match(last('USER'), /^[1-9]\d{3,}:[1-9]\d{3,}$/)
    assert.deepEqual(JSON.parse(last('ENTRYPOINT')), ['node', ...daemonFlags(), '/app/dist/main.js'])
    assert.deepEqual(JSON.parse(last('CMD')), ['serve'])
    assert.ok(!image.some(({ rest }) => /\bnpm\b|node_modules/.test(rest)))
    assert.match(last('VOLUME'), /^\/var\/lib\/mcp-roster$/)
  })

  it('image health check fails unless the daemon answers', async () => {
    using home = temporary()
    await using daemon = await start([], { home: home.path })
    const check = /CMD (\[.*\])$/.exec(last('HEALTHCHECK'))?.[1] ?? assert.fail('no command')
    const [, ...args] = JSON.parse(check) as string[]
    const verdict = async (port: string) => {
      const [code] = (await once(spawn(process.execPath, args, { env: { PORT: port } }), 'exit')) as [number]
      return code
    }

    assert.equal(await verdict(new URL(daemon.url).port), 0)
    assert.equal(await daemon.stop(), 0)
    assert.equal(await verdict(new URL(daemon.url).port), 1)
  })
})

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'systemd-analyze is not installed'

describe('the systemd unit', () => {
  it('systemd unit starts node directly, reloads by SIGHUP and uses the state directory', () => {
    assert.deepEqual(said('ExecStart'), [`/usr/bin/node ${daemonFlags().join(' ')} /opt/mcp-roster/dist/main.js serve`])
    assert.deepEqual(said('ExecReload'), ['/bin/kill -HUP $MAINPID'])
    assert.deepEqual(said('StateDirectory'), ['mcp-roster'])
    assert.ok(Number(said('TimeoutStopSec')[0]) > 10)
  })

  it('systemd unit is hardened by the measure of systemd-analyze', { skip: analyze }, () => {
    const args = ['security', '--offline=true', '--threshold=20', '--no-pager', 'deploy/systemd/mcp-roster.service']
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    assert.equal(status, 0, stdout.slice(-300) + stderr)
  })
})
