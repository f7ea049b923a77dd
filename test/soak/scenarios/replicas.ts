import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../e2e/daemon-process.ts'
import { createRandom } from '../../random.ts'
import { type Engine, engines, tables } from '../database-engines.ts'
import { type Cluster, type Member, openCluster } from '../replica-cluster.ts'
import type { Effort, Figures, Scenario } from '../scenario.ts'
import { createWriteModel, shownBy, watchExactlyOnce } from '../write-model.ts'

const manual = (version: string) => ({ url: 'http://manual.example/mcp', health_check: 'none', version })

/** Waits until all daemons show the same, and the database too; returns it. */
async function agreed(cluster: Cluster): Promise<Map<string, string>> {
  return until(async () => {
    const [first, ...others] = await Promise.all(cluster.members.map((member) => shownBy(member)))
    const text = textOf(first ?? new Map())
    return others.every((one) => textOf(one) === text) ? first : undefined
  }, 60)
}

const textOf = (shown: ReadonlyMap<string, string>) =>
  JSON.stringify([...shown].toSorted(([one], [other]) => one.localeCompare(other)))

/** PUT v1 at one, v2 at the next, v1 at the first: 40 times for servers and agents, and a DELETE at the other at once. */
async function repeatWrites(cluster: Cluster): Promise<Figures> {
  const [a, b] = cluster.members as [Member, Member, Member]
  for (let round = 0; round < 40; round += 1) {
    const path = `/servers/default/repeat-${round}`
    const agent = (version: string) => ({ id: `repeat-agent-${round}`, version })
    for (const [member, version] of [
      [a, '1.0.0'],
      [b, '2.0.0'],
      [a, '1.0.0'],
    ] as const) {
      assert.equal(await member.write('PUT', path, manual(version)), 'done')
      assert.equal(await member.write('POST', '/agents', agent(version)), 'done')
    }
    const brief = `/servers/default/brief-${round}`
    assert.equal(await a.write('PUT', brief, manual('1.0.0')), 'done')
    assert.equal(await b.write('DELETE', brief), 'done')
  }
  const shown = await agreed(cluster)
  const lost = [...shown].filter(([name, version]) => name.startsWith('repeat') && version !== '1.0.0')
  const resurrected = [...shown.keys()].filter((name) => name.startsWith('brief'))
  assert.deepEqual([lost, resurrected], [[], []])
  return { repeated: 80, lost: 0 }
}

/** Half-open, closed and slow connections of one daemon: it refuses or stores, and shows what the others show afterwards. */
async function breakConnections(cluster: Cluster): Promise<Figures> {
  const [a, b] = cluster.members as [Member, Member, Member]
  const refusedMs: number[] = []
  const breaks: [string, () => void, () => void][] = [
    ['half-open', () => a.proxy.freeze({ andNew: true }), a.proxy.open],
    ['closed', a.proxy.close, a.proxy.open],
    ['slow', () => a.proxy.delay(50), () => a.proxy.delay(0)],
  ]
  for (const [name, begin, end] of breaks) {
    begin()
    const start = performance.now()
    const outcome = await a.write('PUT', `/servers/default/${name}`, manual('1.0.0'))
    refusedMs.push(performance.now() - start)
    assert.equal(outcome, name === 'slow' ? 'done' : 'unknown')
    assert.equal(await b.write('PUT', `/servers/default/${name}`, manual('2.0.0')), 'done')
    end()
    await until(async () => (await shownBy(a)).get(name) === '2.0.0')
  }
  await agreed(cluster)
  return { slowest_refusal_ms: Math.round(Math.max(...refusedMs)) }
}

/** An agent whose heartbeats come to others outlives the retention at a daemon that is cut off. */
async function outliveRetention(cluster: Cluster): Promise<Figures> {
  const [a, b, c] = cluster.members as [Member, Member, Member]
  const over = new AbortController()
  for (const id of ['living', 'silent']) assert.equal(await b.write('POST', '/agents', { id }), 'done')
  const beating = (async () => {
    while (!over.signal.aborted) {
      await b.write('POST', '/heartbeat', { agent_id: 'living' })
      await pause(200)
    }
  })()
  await until(async () => (await shownBy(a)).has('silent'))
  a.proxy.close()
  await until(async () => !(await shownBy(c)).has('silent'), 60)
  // What the others retired, the one that is cut off keeps.
  const kept = await shownBy(a)
  assert.ok(kept.has('living') && kept.has('silent'))
  a.proxy.open()
  await until(async () => !(await shownBy(a)).has('silent'), 60)
  const shown = await agreed(cluster)
  over.abort()
  await beating
  assert.ok(shown.has('living'))
  return { retired: 1 }
}

/** A copy that is behind takes the place of the database, and later an empty one: nothing that was acknowledged is lost. */
async function swapTarget(cluster: Cluster, engine: Engine, url: string): Promise<Figures> {
  const [a, b] = cluster.members as [Member, Member, Member]
  await using other = await engine.start()
  const copy = await other.create()
  await using probe = await openCluster({ type: engine.type, url: copy, size: 1 }) // creates the tables
  await probe.members[0]!.write('PUT', '/servers/default/first', manual('1.0.0'))
  await probe.members[0]!.kill()
  for (const table of tables) {
    await engine.query(copy, `DELETE FROM ${table}`)
    await engine.insert(copy, table, await engine.query(url, `SELECT * FROM ${table}`))
  }
  for (let n = 0; n < 11; n += 1) assert.equal(await a.write('POST', '/agents', { id: `late-${n}` }), 'done')
  assert.equal(await b.write('PUT', '/servers/default/late', manual('1.0.0')), 'done')
  assert.equal(await b.write('DELETE', '/servers/default/repeat-1'), 'done')
  const before = await agreed(cluster)

  cluster.swap(copy)
  await until(() => cluster.members.every((member) => saidRewound(member) > 0), 60)
  const after = await agreed(cluster)
  const missing = [...before.keys()].filter((name) => !after.has(name))
  assert.deepEqual(missing, [])
  const health = await a.json<{ warnings?: string[] }>('/health')
  assert.match(String(health.warnings), /went back to an earlier state/)
  assert.equal(await a.write('PUT', '/servers/default/late', manual('3.0.0')), 'done')
  assert.equal((await agreed(cluster)).get('late'), '3.0.0')

  const empty = await engine.query(url, `SELECT count(*) AS number FROM roster_registrations`)
  assert.ok(Number(empty[0]?.['number']) > 0)
  const name = url.split('/').at(-1)
  const server = url.replace(/[^/]+$/, engine.type === 'postgres' ? 'postgres' : 'mysql')
  await engine.query(server, `DROP DATABASE ${name}${engine.type === 'postgres' ? ' WITH (FORCE)' : ''}`)
  await engine.query(server, `CREATE DATABASE ${name}`)
  const said = cluster.members.map(saidRewound)
  cluster.swap(url)
  await until(() => cluster.members.every((member, at) => saidRewound(member) > said[at]!), 60)
  const refilled = await agreed(cluster)
  assert.deepEqual(
    [...after.keys()].filter((key) => !refilled.has(key)),
    [],
  )
  await using fresh = await cluster.fresh()
  await until(async () => (await shownBy(fresh)).size === refilled.size)
  return { in_copy: after.size, in_empty: refilled.size }
}

function saidRewound(member: Member): number {
  return member.daemon()?.lines.filter(({ msg }) => /database went back/.test(String(msg))).length ?? 0
}

/** 10,000 random writes over three daemons that are killed and cut off. */
async function checkModel(cluster: Cluster, { of }: Effort): Promise<Figures> {
  const random = createRandom()
  const model = createWriteModel({ cluster, random, names: 200 })
  const problems: string[] = []
  const watchers = cluster.members.map((member) => watchExactlyOnce(member, problems))
  const over = new AbortController()
  const disturbances = { kills: 0, partitions: 0 }

  async function disturb(): Promise<void> {
    while (!over.signal.aborted) {
      await pause(200 + random.below(800), undefined, { signal: over.signal }).catch(() => {})
      if (over.signal.aborted) return
      const member = random.pick(cluster.members)
      if (random.chance(0.4)) {
        disturbances.kills += 1
        await member.kill()
        await pause(random.below(1000))
        await member.restart()
        continue
      }
      disturbances.partitions += 1
      random.pick([member.proxy.close, () => member.proxy.freeze(), () => member.proxy.freeze({ andNew: true })])()
      await pause(500 + random.below(3000))
      member.proxy.open()
    }
  }

  const disturbing = disturb()
  await model.run(of(10_000, 1500), 16)
  over.abort()
  await disturbing
  await until(() => cluster.members.every(({ isUp }) => isUp()))
  await agreed(cluster)
  await using fresh = await cluster.fresh()
  await until(async () => (await fresh.daemon()?.get('/agents'))?.status === 200)
  const shown = [...(await Promise.all(cluster.members.map(shownBy))), await shownBy(fresh)]
  assert.deepEqual(shown.flatMap(model.violations), [], random.label)
  await until(() => watchers.every(({ seen }) => model.violations(seen()).length === 0))
  await Promise.all(watchers.map(({ close }) => close()))
  assert.deepEqual(problems.slice(0, 5), [], random.label)
  const events = watchers.reduce((sum, { counts }) => sum + counts.events, 0)
  return { ...model.counts, ...disturbances, events }
}

async function runOn(engine: Engine, effort: Effort): Promise<Figures> {
  const reason = engine.missing()
  if (reason !== undefined) return { skipped: reason }
  await using server = await engine.start()
  const url = await server.create()
  const leases =
    'health: { agents: { timeout_threshold: 1, eviction_threshold: 2, retention: 4s, self_preservation: { enabled: false } } }\n'
  const calm = 'health: { agents: { timeout_threshold: 3600, eviction_threshold: 7200, retention: 7200 } }\n'
  await using cluster = await openCluster({ type: engine.type, url, config: calm })
  const figures = { ...(await repeatWrites(cluster)), ...(await breakConnections(cluster)) }
  const swapped = await swapTarget(cluster, engine, url)
  const retired = await (async () => {
    await using brief = await openCluster({ type: engine.type, url: await server.create(), config: leases })
    return await outliveRetention(brief)
  })()
  return { ...figures, ...swapped, ...retired, ...(await checkModel(cluster, effort)) }
}

export const replicas: readonly Scenario[] = [
  {
    name: 'replicas-writes',
    what: 'three daemons on one PostgreSQL and one MariaDB behind proxies: no acknowledged write is lost or comes back',
    limitSeconds: ({ of }) => of(1200, 400),
    async run(effort) {
      const figures: Record<string, number | string> = {}
      for (const engine of engines) {
        for (const [name, value] of Object.entries(await runOn(engine, effort)))
          figures[`${engine.type}_${name}`] = value
      }
      return figures
    },
  },
]
