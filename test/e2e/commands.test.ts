import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { type Running, start, temporary, until } from './daemon-process.ts'

const everything = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')

type Listed = {
  readonly status: string
  readonly health: { readonly reason?: string }
  readonly capabilities: unknown[]
}

const get = (daemon: Running, name: string) => daemon.json<Listed>(`/servers/default/${name}`)

/** A command that notes its process id, and waits for whatever comes. */
const noting = (file: string) => ({
  command: process.execPath,
  args: [
    '-e',
    `require('fs').writeFileSync(${JSON.stringify(file)}, String(process.pid)); setInterval(() => {}, 1000)`,
  ],
})

const isRunning = (file: string) => {
  try {
    // A file that is not written yet would be the process 0, which is always there.
    const pid = Number(readFileSync(file, 'utf8'))
    return pid > 0 && process.kill(pid, 0)
  } catch {
    return false
  }
}

function configOf(folder: ReturnType<typeof temporary>, stdio: string): string {
  const config = folder.at('config.yaml')
  const sources = `sources: [{ type: file, name: mine, paths: [${folder.at('servers.yaml')}] }, { type: manual, allow_stdio: true }, { type: agents }]`
  writeFileSync(config, `${sources}\nstore: { type: memory }\nhealth: { stdio: ${stdio} }\n`)
  return config
}

describe('commands of a source', () => {
  it('are run only where the config names the source, from a reload on', async () => {
    using folder = temporary()
    const command = { command: process.execPath, args: [everything, 'stdio'] }
    writeFileSync(
      folder.at('servers.yaml'),
      JSON.stringify({ servers: { everything: command, silent: noting(folder.at('pid')) } }),
    )
    await using daemon = await start(['--config', configOf(folder, '[]')], { home: folder.path })
    await until(async () => (await daemon.json<{ total: number }>('/servers')).total === 2)
    const reload = async (stdio: string) => {
      configOf(folder, stdio)
      assert.equal((await daemon.get('/-/reload', { method: 'POST' })).status, 200)
    }

    assert.equal((await daemon.json('/servers/default/silent/probe', { method: 'POST' }))['reason'], 'not_checkable')
    assert.deepEqual([(await get(daemon, 'everything')).status, existsSync(folder.at('pid'))], ['unknown', false])
    await reload('[mine]')
    const found = await until(async () => {
      const one = await get(daemon, 'everything')
      return one.status === 'healthy' && one
    })
    assert.equal(found.health.reason, 'ok')
    assert.equal((await daemon.json<{ total: number }>('/servers?prompt=simple-prompt&tool=echo')).total, 1)
    await reload('[]')
    await until(async () => (await get(daemon, 'everything')).status === 'unknown')
    assert.equal(await daemon.stop(), 0)
  })

  it('of agents and of servers written by hand are never run', async () => {
    using folder = temporary()
    writeFileSync(folder.at('servers.yaml'), 'servers: {}')
    await using daemon = await start(['--config', configOf(folder, '[mine]')], { home: folder.path })
    const { args, command } = noting(folder.at('pid'))
    const body = JSON.stringify({ name: 'byhand', command, args })

    const created = await daemon.get('/servers', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
    const probe = await daemon.json('/servers/default/byhand/probe', { method: 'POST' })

    assert.equal(created.status, 201)
    assert.deepEqual([probe['ok'], probe['reason']], [false, 'not_checkable'])
    assert.equal(existsSync(folder.at('pid')), false)
  })

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    it(`end with the daemon, when it gets ${signal}`, async () => {
      using folder = temporary()
      writeFileSync(folder.at('servers.yaml'), JSON.stringify({ servers: { silent: noting(folder.at('pid')) } }))
      await using daemon = await start(['--config', configOf(folder, '[mine]')], { home: folder.path })
      await until(() => existsSync(folder.at('pid')) && isRunning(folder.at('pid')))

      daemon.child.kill(signal)
      await daemon.exited

      assert.ok(await until(() => !isRunning(folder.at('pid'))))
    })
  }
})
