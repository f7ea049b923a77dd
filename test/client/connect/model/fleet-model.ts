import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { connectServers, type Fleet, FleetError } from '../../../../src/client/connect/index.ts'
import { temporary } from '../../../e2e/daemon-process.ts'
import { startHere } from '../../../in-process-daemon.ts'
import { createRandom } from '../../../random.ts'
import { eras, type ModelServer, startModelServer } from './model-server.ts'

/** Maximum time until a fleet must equal the registry after the last fault, in ms. */
const maxSettlingMs = 15_000

type Listing = {
  readonly servers: readonly { readonly id: string; readonly enabled: boolean; readonly url: string }[]
}
type Entry = { readonly server: ModelServer; enabled: boolean; isTagged: boolean; readonly isProbed: boolean }

/**
 * A random walk over what happens to servers, connections and the roster, while two lanes of calls go on. At rest the fleet must equal the
 * registry; throws where it does not, with the steps.
 */
export async function walkFleet(
  seed: number,
  { steps = 10, blackHoles = false }: { readonly steps?: number; readonly blackHoles?: boolean } = {},
): Promise<void> {
  const random = createRandom(seed)
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporary())
  const ledger = createLedger()
  const entries = new Map<string, Entry>()
  const taken: string[] = []
  let counter = 0

  async function add(): Promise<void> {
    const server = stack.use(await startModelServer(`s${(counter += 1)}`, random.pick(eras), ledger))
    entries.set(server.name, { server, enabled: true, isTagged: true, isProbed: random.chance(0.5) })
    publish()
  }

  function publish(): void {
    const servers = Object.fromEntries(
      [...entries].map(([name, { server, enabled, isTagged, isProbed }]) => [
        name,
        {
          url: server.url(),
          enabled,
          tags: [isTagged ? 'in' : 'out'],
          ...(isProbed ? { health_check_interval: 1 } : { health_check: 'none' }),
        },
      ]),
    )
    writeFileSync(folder.at('servers.json'), JSON.stringify({ servers }))
  }

  for (let at = 0; at < 3; at += 1) await add()
  const config = `sources: [{ type: file, paths: [${folder.at('servers.json')}] }]\nlog: { level: silent }`
  let roster: Awaited<ReturnType<typeof startHere>> | undefined = await startHere(config, { folder })
  const rosterUrl = roster.url
  stack.defer(async () => roster?.[Symbol.asyncDispose]())
  const startRoster = async () =>
    void (roster ??= await startHere(config, { folder, port: Number(new URL(rosterUrl).port) }))

  const fleet = stack.use(
    await connectServers({
      roster: { url: rosterUrl, maxPauseMs: 100 },
      query: { tag: ['in'] },
      retryDelayMs: 10,
      maxPauseMs: 200,
      toolsTtlMs: 500,
      pingIntervalMs: 1000,
      pingTimeoutMs: 2000,
      breaker: { openMs: 100 },
    }),
  )
  const calls = callAlways(fleet, ledger)
  stack.defer(() => calls.stop())

  const change = (alter: (entry: Entry) => unknown) => async (entry: Entry) => {
    await alter(entry)
    publish()
  }
  const faults: Readonly<Record<string, (entry: Entry) => unknown>> = {
    add,
    remove: change(({ server }) => entries.delete(server.name)),
    switch: change((entry) => (entry.enabled = !entry.enabled)),
    retag: change((entry) => (entry.isTagged = !entry.isTagged)),
    move: change(({ server }) => server.move()),
    kill: ({ server }) => server.kill(),
    restart: ({ server }) => server.restart(),
    bounce: async ({ server }) => (await server.kill(), server.restart()),
    cut: ({ server }) => server.cut(),
    tools: ({ server }) => server.toggleTool(random.pick(['order', 'read', 'extra', 'another'])),
    stopRoster: async () => {
      await roster?.[Symbol.asyncDispose]()
      roster = undefined
    },
    startRoster,
    // Found by a ping only, which takes seconds.
    ...(blackHoles ? { freeze: ({ server }: Entry) => server.freeze() } : {}),
  }

  try {
    for (let step = 0; step < steps; step += 1) {
      if (entries.size === 0) await add()
      const name = random.pick(Object.keys(faults))
      const entry = random.pick([...entries.values()])
      taken.push(`${name} ${entry.server.name}`)
      await faults[name]!(entry)
      if (random.chance(0.5)) await pause(random.below(300))
    }
    await startRoster()
    // The longest time in which a ping finds a silent connection.
    if (blackHoles) await pause(3500)
    await settle()
    await calls.stop()
    await checkCalls(fleet, entries)
    ledger.check()
  } catch (error) {
    const about = [...entries.values()].map(
      ({ server: { name, era, isUp } }) => `${name} ${era} ${isUp() ? 'up' : 'down'}`,
    )
    throw new Error(`${random.label}: ${taken.join(', ')}; servers: ${about.join(', ')}\n${String(error)}`, {
      cause: error,
    })
  }

  /** Waits until the registry has what was published, and the fleet equals it. */
  async function settle(): Promise<void> {
    const deadline = performance.now() + maxSettlingMs
    for (;;) {
      try {
        return await compare()
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
      await pause(20)
    }
  }

  async function compare(): Promise<void> {
    const { servers } = (await (await fetch(`${rosterUrl}/servers?tag=in`)).json()) as Listing
    const tagged = [...entries.values()].filter(({ isTagged }) => isTagged)
    assert.deepEqual(
      servers.map(({ id, enabled, url }) => ({ id, enabled, url })).toSorted((a, b) => a.id.localeCompare(b.id)),
      tagged
        .map(({ server, enabled }) => ({ id: `default/${server.name}`, enabled, url: server.url() }))
        .toSorted((a, b) => a.id.localeCompare(b.id)),
      'the registry is not what was published',
    )
    const reachable = tagged.filter(({ server, enabled }) => enabled && server.isUp()).map(({ server }) => server)
    assert.deepEqual([...fleet.connections.keys()].toSorted(), servers.map(({ id }) => id).toSorted(), 'ids')
    assert.deepEqual(fleet.active.toSorted(), reachable.map(({ name }) => `default/${name}`).toSorted(), 'connected')
    for (const { id, enabled, url } of servers) {
      const view = fleet.get(id)
      assert.deepEqual([view?.server.enabled, view?.server.url], [enabled, url], `definition of ${id}`)
      if (!enabled) assert.equal(view?.state, 'disconnected')
    }
    for (const { name, tools } of reachable) {
      const listed = fleet.toolList().filter(({ server }) => server === `default/${name}`)
      assert.deepEqual(listed.map(({ tool }) => tool.name).toSorted(), tools(), `tools of ${name}`)
    }
  }
}

/** Each tool of each connected server answers, and it is that server that does. */
async function checkCalls(fleet: Fleet, entries: ReadonlyMap<string, Entry>): Promise<void> {
  for (const tool of fleet.toolList()) {
    const name = tool.server.replace('default/', '')
    if (!entries.get(name)?.server.isUp() || !fleet.active.includes(tool.server)) continue
    const id = `rest ${tool.name}`
    const { content } = await fleet.call(tool.name, { id })
    assert.deepEqual(content, [{ type: 'text', text: `${name} ${id}` }])
  }
}

/** What was carried out, and what callers hold for done. */
function createLedger() {
  const carriedOut = new Map<string, number>()
  const succeeded = new Set<string>()
  const keyOf = (tool: string, id: string) => `${tool} ${id}`
  return {
    note: (tool: string, id: string) =>
      void carriedOut.set(keyOf(tool, id), (carriedOut.get(keyOf(tool, id)) ?? 0) + 1),
    succeed: (tool: string, id: string) => void succeeded.add(keyOf(tool, id)),
    check() {
      const repeated = [...carriedOut].filter(([key, times]) => times > 1 && key.startsWith('order '))
      assert.deepEqual(repeated, [], 'carried out twice')
      assert.deepEqual(
        [...succeeded].filter((key) => !carriedOut.has(key)),
        [],
        'succeeded, but not carried out',
      )
    },
  }
}

/** Two lanes of calls, one after the other, until stopped. */
function callAlways(fleet: Fleet, ledger: ReturnType<typeof createLedger>) {
  const stopping = new AbortController()

  async function run(tool: string): Promise<void> {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const id = `${tool}-${turn}`
      try {
        await fleet.call(tool, { id }, { timeoutMs: 2000 })
        ledger.succeed(tool, id)
      } catch (error) {
        if (!(error instanceof FleetError)) throw error
      }
      await pause(5)
    }
  }

  const lanes = Promise.all([run('order'), run('read')])
  return {
    async stop() {
      stopping.abort()
      await lanes
    },
  }
}
