import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Client } from 'pg'
import { type Running, start, temporary, until } from '../e2e/daemon-process.ts'
import { postgresMissing, query, startPostgres } from '../stores/databases/postgres.ts'

type Cluster = {
  readonly id: string
  readonly is_member: boolean
  readonly leader: string | null
  readonly lag_seconds: number
  readonly last_takeover?: { readonly from: string; readonly of: string }
  readonly members: readonly { readonly id: string }[]
}

/** Short, and still longer than a busy machine holds up a renewal. */
const leaseSeconds = 4
const renewSeconds = 0.2

const clusterOf = (daemon: Running) => daemon.json<Cluster>('/cluster')
const memberEvents = async (daemon: Running, after: string) =>
  (await daemon.json<{ events: { reason: string }[] }>(`/events?type=member&after=${after}`)).events
const idsOf = ({ members }: Cluster) => members.map(({ id }) => id)

describe('daemons on one PostgreSQL', { skip: postgresMissing() }, () => {
  let server: Awaited<ReturnType<typeof startPostgres>>
  const folder = temporary()
  before(async () => {
    server = await startPostgres()
  })
  after(async () => {
    await server?.[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  /** Starts a daemon that is a user of its own to the database, whose name is its id. */
  async function startMember(url: string, id: string, env: Record<string, string> = {}): Promise<Running> {
    await query(
      url,
      `DO $$ BEGIN CREATE ROLE ${id} SUPERUSER LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    )
    const own = new URL(url)
    Object.assign(own, { username: id, password: 'x' })
    return start([folder.at('servers')], {
      home: folder.path,
      env: {
        DATABASE_URL: own.href,
        REGISTRY_INSTANCE_ID: id,
        LEADER_ELECTION_LEASE_DURATION: `${leaseSeconds}s`,
        LEADER_ELECTION_RENEW_DEADLINE: '3s',
        LEADER_ELECTION_RETRY_PERIOD: `${renewSeconds}s`,
        ...env,
      },
    })
  }

  /** Waits until all of the daemons name the same members and one leader among them. */
  function agreed(daemons: readonly Running[], ids: readonly string[]): Promise<string> {
    return until(async () => {
      const views = await Promise.all(daemons.map(clusterOf))
      const leaders = new Set(views.map(({ leader }) => leader))
      const [leader] = leaders
      const isAgreed = views.every((view) => idsOf(view).join() === ids.toSorted().join())
      return isAgreed && leaders.size === 1 && leader && ids.includes(leader) ? leader : undefined
    }, 20)
  }

  it('know each other and one leader, and take over when it is killed or stopped', async () => {
    const url = await server.create()
    const ids = ['one', 'two', 'three']
    const running = new Map<string, Running>()
    await using stack = new AsyncDisposableStack()
    for (const id of ids) running.set(id, stack.use(await startMember(url, id)))
    const others = (gone: readonly string[]) => [...running].filter(([id]) => !gone.includes(id)).map(([, one]) => one)

    const first = await agreed(others([]), ids)
    const { cluster } = await others([])[0]!.json<{ cluster: { lag_seconds: number } }>('/health')
    const { lag_seconds, ...health } = cluster
    assert.deepEqual(health, { members: 3, is_member: true, is_leader: first === 'one', owned_targets: 0 })
    // It reads every 5 s where nothing is told.
    assert.ok(lag_seconds >= 0 && lag_seconds < 10, `${lag_seconds}`)
    const metrics = await Promise.all(others([]).map(async (one) => (await one.get('/metrics/prometheus')).text()))
    assert.ok(metrics.every((text) => /^roster_members 3$/m.test(text)))
    assert.ok(metrics.every((text) => Number(/^roster_store_lag_seconds (\S+)$/m.exec(text)?.[1]) < 10))
    assert.equal(metrics.filter((text) => /^roster_leader 1$/m.test(text)).length, 1)

    const { last_id: before } = await others([])[0]!.json<{ last_id: string }>('/events?type=member')
    const killedAt = performance.now()
    running.get(first)!.child.kill('SIGKILL')
    const left = ids.filter((id) => id !== first)
    const second = await agreed(others([first]), left)
    const takeoverMs = performance.now() - killedAt
    // The lease began at the last renewal. The rest is polling and the time of a slow machine.
    assert.ok(takeoverMs < (leaseSeconds + renewSeconds) * 1000 + 1500, `${takeoverMs} ms`)
    assert.ok(takeoverMs > 1000, `${takeoverMs} ms: a takeover before the lease has ended`)

    const stopping = running.get(second)!.stop()
    const stoppedAt = performance.now()
    const last = left.filter((id) => id !== second)
    assert.equal(await agreed(others([first, second]), last), last[0])
    assert.ok(performance.now() - stoppedAt < 2000, `${performance.now() - stoppedAt} ms`)
    assert.equal(await stopping, 0)

    const { last_takeover } = await clusterOf(others([first, second])[0]!)
    assert.partialDeepStrictEqual(last_takeover, { from: second, of: 'leader' })

    const changes = [`${first} left`, `${second} is the leader`, `${second} left`, `${last[0]} is the leader`]
    const survivor = others([first, second])[0]!
    await until(async () => (await memberEvents(survivor, before)).length >= changes.length)
    assert.deepEqual(
      (await memberEvents(survivor, before)).map(({ reason }) => reason),
      changes,
    )
  })

  it('write nothing as leader after a pause before they have joined again', async () => {
    const url = await server.create()
    const config = { MCP_ROSTER_HEALTH_AGENTS_RETENTION: '4s' }
    const ids = ['paused', 'other']
    await using one = await startMember(url, 'paused', config)
    await using other = await startMember(url, 'other', config)
    const leader = await agreed([one, other], ids)
    const [first, second] = leader === 'paused' ? [one, other] : [other, one]
    const next = ids.find((id) => id !== leader)!
    await query(url, auditSql)
    const audit = async () =>
      (await query(url, 'SELECT who, what FROM audit ORDER BY id')).map(
        ({ who, what }) => `${String(who)} ${String(what)}`,
      )
    const body = JSON.stringify({ agent_id: 'silent', name: 'silent', timeout_threshold: 1, eviction_threshold: 2 })
    const headers = { 'content-type': 'application/json' }
    assert.equal((await first.get('/agents', { method: 'POST', headers, body })).ok, true)
    await until(async () => (await second.get('/agents/silent')).ok)

    first.child.kill('SIGSTOP')
    assert.equal(await agreed([second], [next]), next)
    // So that the agent is still there when the first one wakes, which was to retire it meanwhile.
    second.child.kill('SIGSTOP')
    const lapsed = `SELECT 1 FROM roster_members HAVING
      extract(epoch FROM clock_timestamp()) * 1000 - max(seen_at) > ${leaseSeconds * 1000}`
    await until(async () => (await query(url, lapsed)).length > 0)

    // While it cannot renew, it goes on, and its agent has been silent for longer than the retention. The pause does not count.
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query('BEGIN; SELECT 1 FROM roster_members FOR UPDATE')
    first.child.kill('SIGCONT')
    const wokenAt = performance.now()
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = '${leader}'`
    await until(async () => (await query(url, waiting)).length > 0)
    await until(() => performance.now() > wokenAt + 5000)
    assert.equal((await first.get('/agents/silent')).status, 200)
    const cut = await clusterOf(first)
    assert.deepEqual([cut.is_member, cut.leader, cut.members], [false, null, []])
    assert.deepEqual(await audit(), [])
    await client.query('COMMIT')
    await client.end()

    await until(async () => (await audit()).length > 0)
    assert.equal((await audit())[0], `${leader} joined`)
    second.child.kill('SIGCONT')
    assert.equal(await agreed([first, second], ids), leader)
    assert.deepEqual(
      (await audit()).filter((entry) => entry.startsWith(next)),
      [`${next} joined`],
    )
  })
})

/** Notes who begins a term and who retires an agent, in the order in which they do. */
const auditSql = `
  CREATE TABLE audit (id serial, who text DEFAULT session_user, what text);
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO audit (what) VALUES (TG_ARGV[0]); RETURN NULL; END $$;
  CREATE TRIGGER retired AFTER DELETE ON roster_registrations FOR EACH ROW EXECUTE FUNCTION note('retired');
  CREATE TRIGGER joined AFTER UPDATE ON roster_members FOR EACH ROW
    WHEN (OLD.incarnation <> NEW.incarnation) EXECUTE FUNCTION note('joined');`
