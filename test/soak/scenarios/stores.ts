import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { type Running, until } from '../../e2e/daemon-process.ts'
import { freePort } from '../../programs.ts'
import { mysqlMissing, startMysql } from '../../stores/databases/mysql.ts'
import { postgresMissing, startPostgres } from '../../stores/databases/postgres.ts'
import { openSoak, quantile, type Scenario } from '../scenario.ts'

type Agents = { readonly agents: readonly { readonly id: string }[]; readonly count: number }
type Database = Awaited<ReturnType<typeof startPostgres>> | Awaited<ReturnType<typeof startMysql>>

/** Load on a daemon for its lifetime; `failed` lists violations. */
function createCrowd(url: string) {
  const over = new AbortController()
  const acknowledged = new Set<string>()
  const seen = { refused: 0, beats: 0, reads: 0, unreachable: 0 }
  const readMs: number[] = []
  const failed: string[] = []

  /** The daemon's response; undefined while it is down. */
  async function ask(
    path: string,
    body?: object,
  ): Promise<{ status: number; after: string | null; said: unknown } | undefined> {
    try {
      const init = body && { method: 'POST', body: JSON.stringify(body) }
      const answer = await fetch(url + path, init)
      return { status: answer.status, after: answer.headers.get('retry-after'), said: await answer.json() }
    } catch {
      seen.unreachable += 1
      await pause(20)
      return undefined
    }
  }

  async function register(writer: number): Promise<void> {
    for (let n = 0; !over.signal.aborted; n += 1) {
      const id = `agent-${writer}-${n}`
      const answer = await ask('/agents', { id, capabilities: ['a', 'b'] })
      if (answer?.status === 200) acknowledged.add(id)
      else if (answer?.status === 503 && Number(answer.after) >= 1) {
        seen.refused += 1
        await pause(50)
      } else if (answer) failed.push(`a registration was answered ${answer.status}, to come back in ${answer.after}`)
    }
  }

  /** A registered agent's heartbeat is refused only by a starting daemon. */
  async function beat(mayStart: boolean): Promise<void> {
    while (!over.signal.aborted) {
      const [agent_id] = acknowledged
      const answer = agent_id === undefined ? undefined : await ask('/heartbeat', { agent_id })
      if (answer?.status === 200) seen.beats += 1
      else if (answer && !(mayStart && answer.status === 503)) failed.push(`a heartbeat was answered ${answer.status}`)
      await pause(5)
    }
  }

  /** A list contains every agent acknowledged before its request, or says that it is incomplete. */
  async function poll(mayStart: boolean): Promise<void> {
    while (!over.signal.aborted) {
      const known = acknowledged.size
      const began = performance.now()
      const answer = await ask('/servers?limit=1')
      if (!answer) continue
      readMs.push(performance.now() - began)
      seen.reads += 1
      const { total, syncing = [] } = answer.said as { total: number; syncing?: string[] }
      if (answer.status !== 200) failed.push(`a list was answered ${answer.status}`)
      else if (total < known && !(mayStart && syncing.includes('agents')))
        failed.push(`a list had ${total} of ${known}`)
      await pause(2)
    }
  }

  function begin({ mayStart }: { mayStart: boolean }) {
    const work = [
      ...Array.from({ length: 8 }, (_, writer) => register(writer)),
      ...Array.from({ length: 4 }, () => beat(mayStart)),
      ...Array.from({ length: 2 }, () => poll(mayStart)),
    ]
    return {
      end: async () => {
        over.abort()
        await Promise.all(work)
        assert.deepEqual(failed.slice(0, 5), [])
      },
    }
  }

  return { begin, acknowledged, seen, slowestRead: () => quantile(readMs, 1) }
}

/** Asserts that every acknowledged agent exists once; returns the number of agents. */
async function noneLost({ get, json }: Running, acknowledged: ReadonlySet<string>): Promise<number> {
  await until(async () => (await get('/agents')).status === 200, 30)
  const ids = (await json<Agents>('/agents')).agents.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  assert.equal(acknowledged.difference(new Set(ids)).size, 0, 'registrations that were acknowledged are lost')
  return ids.length
}

/** Asserts that no agent is lost and every agent is complete. */
async function allThere(daemon: Running, acknowledged: ReadonlySet<string>): Promise<void> {
  const count = await noneLost(daemon, acknowledged)
  const whole = await daemon.json<{ count: number }>('/capabilities?name=b&agent_status=')
  assert.equal(whole.count, count)
}

function outage(
  type: 'postgres' | 'mysql',
  { missing, startDatabase }: { missing: () => string | undefined; startDatabase: () => Promise<Database> },
): Scenario {
  return {
    name: type,
    what: `the ${type} database away for a minute under load: reads and heartbeats go on, nothing acknowledged is lost`,
    limitSeconds: ({ of }) => of(240, 120),
    async run({ of }) {
      const reason = missing()
      if (reason !== undefined) return { skipped: reason }
      await using database = await startDatabase()
      const store = `{ type: ${type}, url: '${await database.create()}' }`
      await using soak = await openSoak({ config: `sources: [{ type: agents }]\nstore: ${store}\n` })
      const { url } = soak.daemon()
      await until(async () => (await soak.daemon().get('/agents')).status === 200)
      const { begin, acknowledged, seen, slowestRead } = createCrowd(url)
      const crowd = begin({ mayStart: false })
      await until(() => acknowledged.size >= 200, 30)

      await database.stop()
      await until(() => seen.refused > 0, 30)
      const before = { ...seen, acknowledged: acknowledged.size }
      await pause(of(60_000, 5000))
      const away = { beats: seen.beats - before.beats, reads: seen.reads - before.reads }
      assert.equal(acknowledged.size, before.acknowledged, 'a registration was acknowledged by a database that is away')
      await database.start()
      const back = performance.now()
      await until(() => acknowledged.size >= before.acknowledged + 200, 30)
      const healed_ms = Math.round(performance.now() - back)
      await crowd.end()

      assert.ok(away.beats > 0 && away.reads > 0)
      await allThere(soak.daemon(), acknowledged)
      soak.daemon().child.kill('SIGKILL')
      await soak.daemon().exited
      await allThere(await soak.again(), acknowledged)
      const { refused } = seen
      return { acknowledged: acknowledged.size, refused, ...away, slowest_read_ms: slowestRead(), healed_ms }
    },
  }
}

const kill: Scenario = {
  name: 'kill',
  what: 'killed again and again in a storm of registrations: all acknowledged are there, and no list is ever seen emptied',
  limitSeconds: ({ of }) => of(300, 90),
  async run({ of }) {
    const rounds = of(20, 3)
    const port = await freePort()
    await using soak = await openSoak({ config: 'sources: [{ type: agents }]\n', port })
    await until(async () => (await soak.daemon().get('/agents')).status === 200)
    const { begin, acknowledged, seen } = createCrowd(soak.daemon().url)
    const crowd = begin({ mayStart: true })
    for (let round = 0; round < rounds; round += 1) {
      const known = acknowledged.size
      await until(() => acknowledged.size >= known + 100, 30)
      soak.daemon().child.kill('SIGKILL')
      await soak.daemon().exited
      await noneLost(await soak.again(), new Set(acknowledged))
    }
    await crowd.end()
    await allThere(soak.daemon(), acknowledged)
    return { kills: rounds, acknowledged: acknowledged.size, reads: seen.reads, unreachable: seen.unreachable }
  },
}

export const stores: readonly Scenario[] = [
  outage('postgres', { missing: postgresMissing, startDatabase: startPostgres }),
  outage('mysql', { missing: mysqlMissing, startDatabase: startMysql }),
  kill,
]
