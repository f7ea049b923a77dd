import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RegisteredServer } from '../../../src/model/change.ts'
import { matching } from '../../../src/model/query/matching.ts'
import { parseQuery } from '../../../src/model/query/query-parser.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createRandom } from '../../random.ts'
import { createTestRegistry, type ServerFields } from '../../roster.ts'
import { type Follower, limits, serveWatch, type Told } from './served.ts'

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

/** One life of a registry that is watched, with every picture it ever showed. */
async function createLife(epoch: string) {
  const roster = createTestRegistry({ epoch })
  const journal = createChangeLog({ registry: roster.registry, maxChanges: 600 })
  const daemon = await serveWatch({
    roster,
    journal,
    limits: () => limits({ max_buffer_bytes: 65_536 }),
    heartbeatMs: 10,
    bookmarkMs: 20,
    stallMs: 2000,
  })
  const history = new Map<string, readonly RegisteredServer[]>([[roster.registry.token(), []]])
  roster.registry.subscribe(({ token }) => history.set(token, roster.registry.list()))
  return { ...daemon, history, dispose: () => daemon[Symbol.asyncDispose]() }
}
type Life = Awaited<ReturnType<typeof createLife>>

/** A client that believes what it is told, and checks it against what was at every token. */
function createClient(random: Random, lives: () => readonly Life[], problems: string[]) {
  const filter = random.pick(filters)
  const parsed = parseQuery(new URLSearchParams(filter))
  assert.ok('query' in parsed)
  const holds = matching(parsed.query)
  const path = random.pick(['/servers/watch?', '/servers?watch=true&']) + filter
  const known = new Map<string, string>()
  let token: string | undefined
  let beginning = true
  let follower: Follower | undefined
  let connection: symbol | undefined
  const counts = { events: 0, resyncs: 0, cuts: 0, checks: 0, resumes: 0 }

  const fail = (what: string) => void problems.push(`${path}: ${what}`)

  function take({ type, token: now, server }: Told): void {
    counts.events += 1
    const id = server ? `${String(server['namespace'])}/${server.name}` : ''
    if (type === 'RESYNC') {
      counts.resyncs += 1
      beginning = true
      known.clear()
      token = undefined
    } else if (type === 'CLOSED') counts.cuts += 1
    else if (type === 'ADDED' && known.has(id)) fail(`${id} is added twice`)
    else if ((type === 'MODIFIED' || type === 'DELETED') && !known.has(id)) fail(`${type} ${id}, which is not there`)
    else if (type === 'DELETED') known.delete(id)
    else if (server) known.set(id, JSON.stringify(server))
    if (beginning && type === 'BOOKMARK') beginning = false
    else if (beginning && (type === 'MODIFIED' || type === 'DELETED' || now !== undefined))
      fail(`${type} in the picture`)
    if (now !== undefined) check(now)
  }

  function check(now: string): void {
    counts.checks += 1
    if (token !== undefined && numberOf(now) < numberOf(token)) fail(`${now} after ${token}`)
    token = now
    const then = lives()
      .map(({ history }) => history.get(now))
      .find((found) => found !== undefined)
    if (!then) return fail(`no revision ever had the token ${now}`)
    const expected = then.filter(({ server }) => holds(server))
    const isSame =
      expected.length === known.size && expected.every((one) => known.get(one.server.id) === one.json().toString())
    if (!isSame)
      fail(`at ${now} knows ${[...known.keys()].join()}, not ${expected.map(({ server }) => server.id).join()}`)
  }

  async function connect({ port, follow }: Life, bogus?: string): Promise<void> {
    disconnect()
    const from = bogus ?? token
    if (from === undefined) known.clear()
    if (from === undefined) beginning = true
    else counts.resumes += 1
    const asHeader = random.chance(0.5)
    const target = from === undefined || asHeader ? path : `${path}&resource_version=${from}`
    assert.ok(port > 0)
    const mine = Symbol('connection')
    connection = mine
    // What a closed connection still had in its buffers is not listened to.
    const hear = (told: Told) => void (connection === mine && take(told))
    follower = await follow(target, from !== undefined && asHeader ? { 'last-event-id': from } : {}, hear)
  }

  /** Half of a revision is worth nothing: what came after the last token comes again, so it is forgotten. */
  function disconnect(): void {
    follower?.close()
    const last = follower
    follower = connection = undefined
    if (last) rewind()
  }

  function rewind(): void {
    known.clear()
    const then = lives()
      .map(({ history }) => history.get(token ?? ''))
      .find((found) => found !== undefined)
    if (!then || beginning) {
      token = undefined
      return
    }
    for (const one of then) if (holds(one.server)) known.set(one.server.id, one.json().toString())
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

const numberOf = (token: string) => Number(/\d+$/.exec(token)?.[0])

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

function write(random: Random, { change, registry }: Life): void {
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

describe('every watcher', () => {
  it('has what the registry has at every token it is given, whatever happens to it', async () => {
    const random = createRandom()
    const seconds = Number(process.env['TEST_SECONDS'] ?? 4)
    const problems: string[] = []
    const lives = [await createLife('e0')]
    const life = () => lives.at(-1) as Life
    const clients = Array.from({ length: 24 }, () => createClient(random, () => lives, problems))
    const end = performance.now() + seconds * 1000

    for (const client of clients) await client.connect(life())
    while (performance.now() < end && problems.length === 0) {
      await disturb(random, random.pick(clients), life())
      if (random.chance(0.7)) write(random, life())
      if (random.chance(0.01)) {
        await life().watch.close()
        lives.push(await createLife(`e${lives.length}`))
        // Far enough that tokens of the life before would fit, if only the numbers counted.
        for (let index = random.below(200); index > 0; index -= 1) life().put(someServer(random))
      }
      if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.below(6)))
    }
    await settled(clients, life(), problems)
    await Promise.all(lives.map(({ dispose }) => dispose()))

    assert.deepEqual(problems.slice(0, 3), [], random.label)
    for (const { errors } of lives) assert.deepEqual(errors, [], random.label)
    const sum = (what: keyof Client['counts']) => clients.reduce((all, { counts }) => all + counts[what], 0)
    // A test that met none of these has shown nothing.
    for (const what of ['events', 'resyncs', 'checks', 'resumes'] as const)
      assert.ok(sum(what) > 0, `${what}, ${random.label}`)
    const isEmpty = () => lives.every(({ watch }) => watch.counts().watchers === 0 && watch.counts().audiences === 0)
    for (let turn = 0; turn < 100 && !isEmpty(); turn += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(isEmpty(), 'somebody is still counted')
  })
})

async function disturb(random: Random, client: Client, life: Life): Promise<void> {
  if (client.isGone()) return client.connect(life)
  const dice = random.next()
  if (dice < 0.1) client.disconnect()
  else if (dice < 0.15) await client.connect(life)
  else if (dice < 0.17) await client.connect(life, random.pick(['e99-1', 'nonsense', 'e0-99999999', '%00']))
  else if (dice < 0.3) client.pause()
  else client.resume()
}

/** Waits until everybody has been told of the last revision. */
async function settled(clients: readonly Client[], life: Life, problems: string[]): Promise<void> {
  const limit = performance.now() + 10_000
  const newest = life.registry.token()
  const isBehind = (client: Client) => client.isGone() || client.token() !== newest
  while (clients.some(isBehind) && problems.length === 0) {
    const late = clients.find(isBehind)
    if (performance.now() > limit) problems.push(`${late?.path} stays at ${late?.token()}, not ${newest}`)
    for (const client of clients) {
      client.resume()
      if (client.isGone()) await client.connect(life)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (const client of clients) client.disconnect()
}
