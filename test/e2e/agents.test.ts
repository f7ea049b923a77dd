import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { type Running, start, temporary, until } from './daemon-process.ts'

type Agent = { id: string; status: string; resource_version: string; last_heartbeat: string | null }

const list = async ({ json }: Running, query = '') => (await json<{ agents: Agent[] }>(`/agents${query}`)).agents

async function post({ get }: Running, path: string, body: unknown): Promise<number> {
  const answer = await get(path, { method: 'POST', body: JSON.stringify(body) })
  await answer.arrayBuffer()
  return answer.status
}

const settled = async (daemon: Running) => await until(async () => (await daemon.get('/agents')).status === 200)

/** The lapsed leases that the database knows. */
function lapsesIn(file: string): number {
  using database = new DatabaseSync(file, { readOnly: true })
  return Number(
    database.prepare(`SELECT count(*) AS n FROM roster_beats WHERE said IN ('lapsed', 'evicted')`).get()?.['n'],
  )
}

describe('agents of a real daemon', () => {
  it('acknowledged agents survive a kill -9 complete and once, and no poller ever sees fewer', async () => {
    using folder = temporary()
    const acknowledged = new Set<string>()
    for (let round = 0; round < 3; round += 1) {
      await using daemon = await start([folder.at('servers')], { home: folder.path })
      const known = acknowledged.size
      const first = await until(async () => {
        const answer = await daemon.get('/agents')
        return answer.status === 200 && ((await answer.json()) as { count: number })
      })
      assert.ok(first.count >= known, `round ${round}: ${first.count} of ${known}`)

      const storm = Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; ; n += 1) {
          const id = `agent-${round}-${writer}-${n}`
          try {
            if (
              (await post(daemon, '/agents', { id, capabilities: ['a', 'b'], labels: { round: `${round}` } })) === 200
            )
              acknowledged.add(id)
          } catch {
            return // killed
          }
        }
      })
      await until(() => acknowledged.size >= known + 100)
      daemon.child.kill('SIGKILL')
      await Promise.all([daemon.exited, ...storm])
    }

    await using daemon = await start([folder.at('servers')], { home: folder.path })
    await settled(daemon)
    const ids = (await list(daemon)).map(({ id }) => id)

    assert.equal(new Set(ids).size, ids.length)
    assert.deepEqual(
      [...acknowledged].filter((id) => !ids.includes(id)),
      [],
    )
    const whole = await daemon.json<{ count: number }>('/capabilities?name=b&agent_status=')
    assert.equal(whole.count, ids.length)
  })

  it('agents survive a restart with their metadata and last heartbeat', async () => {
    using folder = temporary()
    const args = [[folder.at('servers')], { home: folder.path }] as const
    let last: string | null = null
    {
      await using daemon = await start(...args)
      await settled(daemon)
      await post(daemon, '/agents', { id: 'a', labels: { env: 'prod' } })
      await post(daemon, '/heartbeat', { agent_id: 'a', status: 'degraded' })
      last = (await daemon.json<Agent>('/agents/a')).last_heartbeat
      assert.equal(await daemon.stop(), 0)
    }
    await using daemon = await start(...args)
    await settled(daemon)

    const [agent] = await list(daemon, '?label_selector=env%3Dprod')

    assert.equal(agent?.status, 'degraded')
    const { last_heartbeat } = await daemon.json<Agent>('/agents/a')
    const heard = Date.parse(last_heartbeat ?? '')
    assert.ok(Math.abs(heard - Date.parse(last ?? '')) < 1000, `${last_heartbeat} is not ${last}`)
  })

  it('agents that were silent before a kill -9 are not healthy after it, and only a POST revives them', async () => {
    using folder = temporary()
    const args = [[folder.at('servers')], { home: folder.path }] as const
    const statuses = async (daemon: Running) =>
      (await list(daemon, '?sort=name')).map(({ status }) => status).toSorted()
    {
      await using daemon = await start(...args)
      await settled(daemon)
      await post(daemon, '/agents', { id: 'gone', timeout_threshold: 1, eviction_threshold: 1 })
      await post(daemon, '/agents', { id: 'silent', timeout_threshold: 1, eviction_threshold: 3600 })
      await until(async () => (await statuses(daemon)).join() === 'offline,unhealthy')
      await until(() => lapsesIn(folder.at('state', 'mcp-roster', 'roster.db')) === 2)
      daemon.child.kill('SIGKILL')
      await daemon.exited
    }
    await using daemon = await start(...args)
    await settled(daemon)

    assert.deepEqual(await statuses(daemon), ['offline', 'unhealthy'])
    const head = async (id: string) => (await daemon.get(`/heartbeat/${id}`, { method: 'HEAD' })).status
    assert.deepEqual([await head('gone'), await head('silent')], [410, 410])
    for (const agent_id of ['gone', 'silent']) await post(daemon, '/heartbeat', { agent_id })
    assert.deepEqual(await statuses(daemon), ['healthy', 'healthy'])
  })
})
