import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Running, start, temporary, until } from './daemon-process.ts'

const list = async ({ json }: Running, query: string) =>
  (await json<{ agents: { id: string }[] }>(`/agents${query}`)).agents
const settled = async (daemon: Running) => await until(async () => (await daemon.get('/agents')).status === 200)

async function post({ get }: Running, path: string, body: unknown): Promise<void> {
  const answer = await get(path, { method: 'POST', body: JSON.stringify(body) })
  assert.equal(answer.status, 200)
  await answer.arrayBuffer()
}

describe('leases of a stopped process', () => {
  it('leases do not expire while the daemon is stopped, and the lease of a dead agent does after a full interval', async () => {
    using folder = temporary()
    const config = folder.at('config.yaml')
    writeFileSync(
      config,
      'sources: [{ type: agents }]\nstore: { type: memory }\nhealth: { agents: { timeout_threshold: 2, eviction_threshold: 60 } }\n',
    )
    await using daemon = await start(['--config', config], { home: folder.path })
    await settled(daemon)
    for (const id of ['alive', 'dead']) await post(daemon, '/agents', { id })
    await until(async () => (await list(daemon, '?status=healthy')).length === 2)

    daemon.child.kill('SIGSTOP')
    // Longer than a lease and than an ordinary delay.
    await pause(5700)
    daemon.child.kill('SIGCONT')
    const asked = performance.now()

    assert.equal((await list(daemon, '?status=healthy')).length, 2)
    const lapsed = await until(async () => {
      await post(daemon, '/heartbeat', { agent_id: 'alive' })
      const [first, ...others] = await list(daemon, '?status=unhealthy')
      return others.length === 0 && first?.id
    })
    assert.equal(lapsed, 'dead')
    assert.ok(performance.now() - asked > 1500)
    assert.deepEqual(
      (await list(daemon, '?status=healthy')).map(({ id }) => id),
      ['alive'],
    )
  })
})
