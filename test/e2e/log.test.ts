import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { freePort } from '../stores/databases/port.ts'
import { start, temporary, until } from './daemon-process.ts'

/** Several times the capacity of a pipe and its reader, in bytes. */
const many = 1500

describe('the log of the daemon', () => {
  it('an unread log blocks neither requests nor the shutdown', async () => {
    using folder = temporary()
    await using daemon = await start([], { home: folder.path })
    daemon.child.stdout.pause()

    await register(daemon, many)

    const { total } = await daemon.json<{ total: number }>('/servers?limit=1')
    assert.equal(total, many)
    assert.equal(await daemon.stop(), 0)
  })

  it('a log on a full disk or a closed pipe does not disturb the daemon', async () => {
    using folder = temporary()
    for (const [where, stdout] of [
      ['/dev/full', openSync('/dev/full', 'w')],
      ['a closed pipe', 'pipe'],
    ] as const) {
      const port = await freePort()
      const args = ['src/main.ts', 'serve', '--host', 'localhost', '--port', String(port), '--log-level', 'debug']
      const env = { PATH: process.env['PATH'], HOME: folder.path, MCP_ROSTER_STORE_TYPE: 'memory' }
      const child = spawn(process.execPath, args, { env, stdio: ['ignore', stdout, 'pipe'] })
      if (typeof stdout === 'number') closeSync(stdout)
      const ended = once(child, 'exit')
      const cut = setTimeout(() => child.kill('SIGKILL'), 50_000)
      child.stdout?.destroy()
      assert.ok(child.stderr)
      const complaint = text(child.stderr)
      const get = (path: string, init?: RequestInit) => fetch(`http://localhost:${port}${path}`, init)

      await until(
        async () =>
          await get('/ready').then(
            ({ ok }) => ok,
            () => false,
          ),
        30,
      )
      await register({ get }, 10)
      child.kill('SIGTERM')

      assert.deepEqual([await ended, await complaint], [[0, null], ''], where)
      clearTimeout(cut)
    }
  })

  it('after a clean stop the log has a line for every acknowledged write', async () => {
    using folder = temporary()
    await using daemon = await start([], { home: folder.path })
    await register(daemon, many)

    assert.equal(await daemon.stop(), 0)

    await until(() => daemon.lines.at(-1)?.['msg'] === 'shutdown started')
    const audited = daemon.lines.filter(({ audit, msg }) => audit === true && msg === 'agent registered')
    assert.equal(new Set(audited.map(({ agent }) => agent)).size, many)
  })
})

/** Many concurrent writes, so that log lines arrive faster than they are written. */
async function register({ get }: Pick<Awaited<ReturnType<typeof start>>, 'get'>, count: number): Promise<void> {
  await until(async () => (await get('/agents')).status === 200)
  const ids = Array.from({ length: count }, (_, at) => `agent-${at}`).values()
  const statuses = new Set<number>()
  const one = async () => {
    for (const id of ids) {
      const answer = await get('/agents', { method: 'POST', body: JSON.stringify({ id }) })
      await answer.arrayBuffer()
      statuses.add(answer.status)
    }
  }
  await Promise.all(Array.from({ length: 100 }, one))
  assert.deepEqual([...statuses], [200])
}
