import assert from 'node:assert/strict'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../programs.ts'
import { createRandom } from '../random.ts'
import { type Running, start, temporary, until } from './daemon-process.ts'
import { createLedger, createWildWatcher, filtered, type Known, type Spelling, type WildWatcher } from './watcher.ts'

type Random = ReturnType<typeof createRandom>

const filters = [
  '',
  'tag=x',
  'tag=x&any_tag=y,z',
  'label_selector=env%3Dprod,!hidden',
  'capability=forecast&version_constraint=%5E1',
  'status=degraded',
  'source=agents',
  'q=rain',
  'namespace=team',
]
const seconds = Number(process.env['TEST_SECONDS'] ?? 5)

/** A daemon on a persistent folder and store, with limits so low that slow watchers are cut and late ones resync. */
async function startPersistentDaemon() {
  const folder = temporary()
  const port = await freePort()
  const files = folder.at('files.yaml')
  writeFileSync(
    files,
    `sources:
  - { type: file, paths: [${folder.at('servers')}/*.json] }
  - { type: agents }
  - { type: manual }
store: { type: sqlite, path: ${folder.at('roster.db')} }
watch: { max_buffer_bytes: 65536, max_history_bytes: 200000 }
`,
  )
  const begin = () => start(['--config', files, '--port', String(port)], { home: folder.path })
  let daemon: Running = await begin()
  return {
    port,
    folder,
    daemon: () => daemon,
    async restart() {
      assert.equal(await daemon.stop(), 0, daemon.printed())
      daemon = await begin()
    },
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}
type PersistentDaemon = Awaited<ReturnType<typeof startPersistentDaemon>>

function someFields({ pick, some, chance, below }: Random): Record<string, unknown> {
  return {
    namespace: pick(['default', 'default', 'team']),
    tags: some(['x', 'y', 'z']),
    labels: { env: pick(['prod', 'test']), ...(chance(0.3) ? { hidden: 'yes' } : {}) },
    description: `${pick(['rain', 'sun'])} ${'z'.repeat(below(2000))}`,
    capabilities: [{ name: pick(['forecast', 'maps']), version: pick(['1.0.0', '2.0.0']) }],
  }
}

/** Writes a file of servers atomically, as a careful editor does. */
function writeFile(random: Random, { folder }: PersistentDaemon): void {
  const name = `f${random.below(4)}`
  const servers = Array.from({ length: random.pick([0, 1, 5, 30]) }, (_, n) => ({
    name: `${name}-${random.below(10) + 10 * n}`,
    command: 'x',
    ...someFields(random),
  }))
  writeFileSync(folder.at('next'), JSON.stringify({ servers: random.chance(0.05) ? { broken: 7 } : servers }))
  renameSync(folder.at('next'), folder.at('servers', `${name}.json`))
}

/** One random write; it may fail while the daemon is down. */
async function writeAgent(random: Random, { daemon }: PersistentDaemon): Promise<void> {
  const id = `a${random.below(12)}`
  const send = async (method: string, path: string, body?: object) => {
    const answer = await daemon().get(path, { method, ...(body && { body: JSON.stringify(body) }) })
    await answer.arrayBuffer()
  }
  const { tags: _tags, ...metadata } = someFields(random)
  const dice = random.next()
  if (dice < 0.5) await send('POST', '/agents/register_with_metadata', { agent_id: id, metadata })
  else if (dice < 0.7) await send('DELETE', `/agents/${id}`)
  else if (dice < 0.9) await send('POST', '/heartbeat', { agent_id: id, status: random.pick(['healthy', 'degraded']) })
  else await send('PUT', `/servers/default/m${random.below(3)}`, { command: 'x', tags: random.some(['x', 'y']) })
}

async function disturb(random: Random, watcher: WildWatcher): Promise<void> {
  const dice = random.next()
  if (dice < 0.15) watcher.disconnect()
  else if (dice < 0.25) await watcher.connect()
  else if (dice < 0.5) watcher.pause()
  else watcher.resume()
}

describe('every watcher of a real daemon', () => {
  it('watchers equal the registry through random faults of watchers, sources and daemon', async (test: TestContext) => {
    const random = createRandom()
    test.diagnostic(random.label)
    await using running = await startPersistentDaemon()
    mkdirSync(running.folder.at('servers'))
    const problems: string[] = []
    const ledger = createLedger(problems)
    const spellings: Spelling[] = ['sse', 'lines', 'poll']
    const watchers = filters.flatMap((filter) =>
      spellings.map((spelling) =>
        createWildWatcher({ random, ledger, problems, port: running.port, filter, spelling }),
      ),
    )
    // One undisturbed watcher knows every revision: the reference for the others.
    const calm = createWildWatcher({ random, ledger, problems, port: running.port, filter: '', spelling: 'sse' })
    const end = performance.now() + seconds * 1000
    const stopping = new AbortController()

    const writing = (async () => {
      while (!stopping.signal.aborted && problems.length === 0) {
        if (random.chance(0.4)) writeFile(random, running)
        await writeAgent(random, running).catch(() => undefined)
        await pause(random.below(20))
      }
    })()
    const minding = (async () => {
      for (let turn = 1; !stopping.signal.aborted && problems.length === 0; turn += 1) {
        if (calm.isGone()) await calm.connect()
        for (const watcher of watchers) if (watcher.isGone() && random.chance(0.3)) await watcher.connect()
        await disturb(random, random.pick(watchers))
        await pause(random.below(10))
      }
    })()
    for (let life = 1; performance.now() < end && problems.length === 0; life += 1) {
      await pause(Math.max(0, Math.min(end - performance.now(), (seconds * 1000) / 3 + random.below(500))))
      if (performance.now() < end) await running.restart()
    }
    stopping.abort()
    await Promise.all([writing, minding])
    if (problems.length === 0) await settled([calm, ...watchers], running)
    const code = await running.daemon().stop()
    for (const watcher of [calm, ...watchers]) watcher.disconnect()

    assert.deepEqual(problems.slice(0, 3), [], random.label)
    assert.equal(code, 0)
    const sum = (what: keyof WildWatcher['counts']) => watchers.reduce((all, { counts }) => all + counts[what], 0)
    const met = { tokens: ledger.tokens(), compared: ledger.counts.compared }
    const totals = {
      ...met,
      events: sum('events'),
      resyncs: sum('resyncs'),
      resumes: sum('resumes'),
      cuts: sum('cuts'),
    }
    test.diagnostic(JSON.stringify(totals))
    // The run must have exercised each of these.
    for (const [what, count] of Object.entries(totals)) assert.ok(count > 0, `${what}: none, ${random.label}`)
  })
})

/** Waits until every watcher equals a list with the same filter. */
async function settled(watchers: readonly WildWatcher[], { daemon }: PersistentDaemon): Promise<void> {
  const whole = async (): Promise<Known> => {
    const { servers } = await daemon().json<{ servers: { id: string }[] }>('/servers')
    return new Map(servers.map((server) => [server.id, JSON.stringify(server)]))
  }
  let late = ''
  const isSettled = async () => {
    const now = await whole()
    for (const watcher of watchers) {
      watcher.resume()
      if (watcher.isGone()) await watcher.connect()
    }
    const behind = watchers.find(({ filter, known }) => !isSame(filtered(now, filter), known()))
    late = behind?.who ?? ''
    return !behind
  }
  await until(isSettled, 20).catch(() => assert.fail(`${late} has not what the list has`))
}

function isSame(one: Known, other: Known): boolean {
  return one.size === other.size && [...one].every(([id, json]) => other.get(id) === json)
}
