import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RegisteredServer } from '../../../src/model/change.ts'
import { matching } from '../../../src/model/query/matching.ts'
import { parseQuery } from '../../../src/model/query/query-parser.ts'
import { parseStateToken } from '../../../src/model/query/state-token.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createRandom } from '../../random.ts'
import { createTestRegistry, type ServerFields } from '../../test-registry.ts'
import { type Follower, limits, serveWatch, type WatchEvent } from './watch-server.ts'

type Random = ReturnType<typeof createRandom>

const filters = [
  '',
  'tag=x',
  'tag=x&status=healthy',
  'status=degraded,offline',
  'label_selector=env%3Dprod,!hidden',
  'label_selector=env+notin+(prod)',
  'capability=forecast&version_constraint=^1',
  'q=rain',
  'namespace=team',
  'name=s1',
]

/** A daemon with the servers of its registry at every token. A restart is another run with another epoch. */
async function createRun(epoch: string) {
  const roster = createTestRegistry({ epoch })
  const changeLog = createChangeLog({ registry: roster.registry, maxChanges: 600 })
  const daemon = await serveWatch({
    roster,
    changeLog,
    limits: () => limits({ max_buffer_bytes: 65_536 }),
    heartbeatMs: 10,
    bookmarkMs: 20,
    stallMs: 2000,
  })
  const history = new Map<string, readonly RegisteredServer[]>([[roster.registry.token(), []]])
  roster.registry.subscribe(({ token }) => history.set(token, roster.registry.list()))
  return { ...daemon, history, dispose: () => daemon[Symbol.asyncDispose]() }
}
type Run = Awaited<ReturnType<typeof createRun>>

/** A client that applies every event, and compares its servers with those of the registry at every token. */
function createClient(random: Random, runs: () => readonly Run[], problems: string[]) {
  const filter = random.pick(filters)
  const parsed = parseQuery(new URLSearchParams(filter))
  assert.ok('query' in parsed)
  const matches = matching(parsed.query)
  const path = random.pick(['/servers/watch?', '/servers?watch=true&']) + filter
  const servers = new Map<string, string>()
  let token: string | undefined
  let isBeginning = true
  let follower: Follower | undefined
  let connection: symbol | undefined
  const counts = { events: 0, resyncs: 0, cuts: 0, checks: 0, resumes: 0 }

  const fail = (what: string) => void problems.push(`${path}: ${what}`)

  function apply({ type, token: now, server }: WatchEvent): void {
    counts.events += 1
    const id = server ? `${String(server['namespace'])}/${server.name}` : ''
    if (type === 'RESYNC') {
      counts.resyncs += 1
      isBeginning = true
      servers.clear()
      token = undefined
    } else if (type === 'CLOSED') counts.cuts += 1
    else if (type === 'ADDED' && servers.has(id)) fail(`${id} is added twice`)
    else if ((type === 'MODIFIED' || type === 'DELETED') && !servers.has(id)) fail(`${type} ${id}, which is not there`)
    else if (type === 'DELETED') servers.delete(id)
    else if (server) servers.set(id, JSON.stringify(server))
    if (isBeginning && type === 'BOOKMARK') isBeginning = false
    else if (isBeginning && (type === 'MODIFIED' || type === 'DELETED' || now !== undefined))
      fail(`${type} in the snapshot`)
    if (now !== undefined) check(now)
  }

  function check(now: string): void {
    counts.checks += 1
    if (token !== undefined && numberOf(now) < numberOf(token)) fail(`${now} after ${token}`)
    token = now
    const then = runs()
      .map(({ history }) => history.get(now))
      .find((found) => found !== undefined)
    if (!then) return fail(`no revision ever had the token ${now}`)
    const expected = then.filter(({ server }) => matches(server))
    const isSame =
      expected.length === servers.size && expected.every((one) => servers.get(one.server.id) === one.json().toString())
    if (!isSame)
      fail(`at ${now} has ${[...servers.keys()].join()}, not ${expected.map(({ server }) => server.id).join()}`)
  }

  async function connect({ port, follow }: Run, bogus?: string): Promise<void> {
    disconnect()
    const from = bogus ?? token
    if (from === undefined) servers.clear()
    if (from === undefined) isBeginning = true
    else counts.resumes += 1
    const asHeader = random.chance(0.5)
    const target = from === undefined || asHeader ? path : `${path}&resource_version=${from}`
    assert.ok(port > 0)
    const own = Symbol('connection')
    connection = own
    // Events that a closed connection still had in its buffers are ignored.
    const onEvent = (event: WatchEvent) => void (connection === own && apply(event))
    const headers = {
      ...(from !== undefined && asHeader && { 'last-event-id': from }),
      ...(random.chance(0.5) && { 'accept-encoding': 'gzip' }),
    }
    follower = await follow(target, headers, onEvent)
  }

  /** Events after the last token come again after a reconnect, so they are undone. */
  function disconnect(): void {
    follower?.close()
    const last = follower
    follower = connection = undefined
    if (last) rewind()
  }

  function rewind(): void {
    servers.clear()
    const then = runs()
      .map(({ history }) => history.get(token ?? ''))
      .find((found) => found !== undefined)
    if (!then || isBeginning) {
      token = undefined
      return
    }
    for (const one of then) if (matches(one.server)) servers.set(one.server.id, one.json().toString())
  }

  return {
    path,
    counts,
    connect,
    disconnect,
    pause: () => void follower?.response.pause(),
    resume: () => void follower?.response.resume(),
    isGone: () => follower === undefined || follower.ended(),
    token: () => token,
  }
}
type Client = ReturnType<typeof createClient>

const numberOf = (token: string) => parseStateToken(token)?.revision ?? NaN

function someServer({ pick, some, chance, below }: Random): ServerFields {
  return {
    name: `s${below(60)}`,
    namespace: pick(['default', 'default', 'team']),
    status: pick(['healthy', 'degraded', 'offline']),
    tags: some(['x', 'y']),
    labels: { env: pick(['prod', 'test']), ...(chance(0.3) ? { hidden: 'yes' } : {}) },
    description: `${pick(['rain', 'sun'])} ${'z'.repeat(below(3000))}`,
    capabilities: [{ name: pick(['forecast', 'maps']), version: pick(['1.0.0', '2.0.0']) }],
  }
}

function write(random: Random, { change, registry }: Run): void {
  const count = random.pick([1, 1, 2, 5, 50])
  const put = new Map(
    Array.from({ length: count }, () => someServer(random)).map((one) => [
      `${String(one['namespace'])}/${one.name}`,
      one,
    ]),
  )
  if (random.chance(0.05))
    for (let index = 0; index < 300; index += 1) put.set(`default/b${index}`, { name: `b${index}`, tags: ['x'] })
  const drop = registry
    .list()
    .filter(({ server }) => server.namespace === 'default' && random.chance(0.1) && !put.has(server.id))
    .map(({ server }) => server.name)
  change([...put.values()], drop)
}

describe('random watchers', () => {
  it('agree with the registry at every token, over disconnects, pauses and restarts', async () => {
    const random = createRandom()
    const seconds = Number(process.env['TEST_SECONDS'] ?? 4)
    const problems: string[] = []
    const runs = [await createRun('e0')]
    const run = () => runs.at(-1) as Run
    const clients = Array.from({ length: 24 }, () => createClient(random, () => runs, problems))
    const end = performance.now() + seconds * 1000

    for (const client of clients) await client.connect(run())
    while (performance.now() < end && problems.length === 0) {
      await disturb(random, random.pick(clients), run())
      if (random.chance(0.7)) write(random, run())
      if (random.chance(0.01)) {
        await run().watch.close()
        runs.push(await createRun(`e${runs.length}`))
        // Enough revisions that tokens of the run before would be valid by their number.
        for (let index = random.below(200); index > 0; index -= 1) run().put(someServer(random))
      }
      if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.below(6)))
    }
    await settled(clients, run(), problems)
    await Promise.all(runs.map(({ dispose }) => dispose()))

    assert.deepEqual(problems.slice(0, 3), [], random.label)
    for (const { errors } of runs) assert.deepEqual(errors, [], random.label)
    const sum = (what: keyof Client['counts']) => clients.reduce((all, { counts }) => all + counts[what], 0)
    // Without one of these the test proves nothing.
    for (const what of ['events', 'resyncs', 'checks', 'resumes'] as const)
      assert.ok(sum(what) > 0, `${what}, ${random.label}`)
    const isEmpty = () => runs.every(({ watch }) => watch.counts().watchers === 0 && watch.counts().groups === 0)
    for (let turn = 0; turn < 100 && !isEmpty(); turn += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(isEmpty(), 'a watcher is still counted')
  })
})

async function disturb(random: Random, client: Client, run: Run): Promise<void> {
  if (client.isGone()) return client.connect(run)
  const dice = random.next()
  if (dice < 0.1) client.disconnect()
  else if (dice < 0.15) await client.connect(run)
  else if (dice < 0.17) await client.connect(run, random.pick(['e99-1', 'nonsense', 'e0-99999999', '%00']))
  else if (dice < 0.3) client.pause()
  else client.resume()
}

/** Waits until every client is at the newest revision. */
async function settled(clients: readonly Client[], run: Run, problems: string[]): Promise<void> {
  const limit = performance.now() + 10_000
  const newest = run.registry.token()
  const isBehind = (client: Client) => client.isGone() || client.token() !== newest
  while (clients.some(isBehind) && problems.length === 0) {
    const late = clients.find(isBehind)
    if (performance.now() > limit) problems.push(`${late?.path} stays at ${late?.token()}, not ${newest}`)
    for (const client of clients) {
      client.resume()
      if (client.isGone()) await client.connect(run)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (const client of clients) client.disconnect()
}
