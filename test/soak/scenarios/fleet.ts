import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { connectServers, type Fleet, FleetError } from '../../../src/client/connect/index.ts'
import { walkFleet } from '../../client/connect/model/fleet-model.ts'
import { until } from '../../e2e/daemon-process.ts'
import { startTcpProxy } from '../../fakes/tcp-proxy.ts'
import { freePort } from '../../programs.ts'
import { startCounting, startEverything, type StartedServer } from '../fleet/servers.ts'
import { openSoak, type Scenario } from '../scenario.ts'

const maxReactionMs = 2000
/** Ping interval and timeout of a fleet by default, and what a busy machine takes. */
const maxBlackHoleMs = 15_000 + 1000

/** Calls `order` and `read` without a pause, until stopped; which of them succeeded. */
function callAlways(fleet: Fleet) {
  const succeeded = { order: new Set<string>(), read: new Set<string>() }
  const failures = new Map<string, number>()
  const stopping = new AbortController()
  let calls = 0

  async function run(lane: number): Promise<void> {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const tool = turn % 2 === 0 ? 'order' : 'read'
      const id = `${lane}-${turn}`
      calls += 1
      try {
        await fleet.call(tool, { id })
        succeeded[tool].add(id)
      } catch (error) {
        const code = error instanceof FleetError ? error.code : String(error)
        failures.set(`${tool} ${code}`, (failures.get(`${tool} ${code}`) ?? 0) + 1)
      }
      await pause(20)
    }
  }

  const lanes = Promise.all(Array.from({ length: 4 }, (_, lane) => run(lane)))
  return {
    succeeded,
    failures,
    calls: () => calls,
    async stop() {
      stopping.abort()
      await lanes
    },
  }
}

const isConnected = (fleet: Fleet, name: string) => fleet.get(name)?.state === 'connected'

/** Milliseconds until `holds`. */
async function timeUntil(holds: () => boolean): Promise<number> {
  const began = performance.now()
  await until(holds, 60)
  return Math.round(performance.now() - began)
}

const life: Scenario = {
  name: 'fleet',
  what: 'a fleet of 20 real servers through kills, newcomers, restarts of the roster and a black hole: right within 2 s, no call lost or repeated',
  limitSeconds: () => 300,
  async run() {
    await using soak = await openSoak({ port: await freePort() })
    const log = soak.folder.at('calls.log')
    writeFileSync(log, '')
    const eraOf = (index: number) => (index % 2 === 0 ? 'modern' : 'legacy')
    const startMany = (prefix: string, count: number) =>
      Promise.all(Array.from({ length: count }, (_, index) => startCounting(`${prefix}${index}`, log, eraOf(index))))
    const servers: StartedServer[] = await startMany('s', 16)
    servers.push(await startEverything('everything', 'streamableHttp'), await startEverything('older', 'sse'))
    const all = [...servers]
    await using proxy = await startTcpProxy(Number(new URL(servers[15]!.url).port))
    const entries = new Map<string, object>(servers.map(({ name, url }) => [name, { url, retry_delay: 1 }]))
    entries.set('older', { type: 'sse', url: servers.at(-1)!.url, retry_delay: 1 })
    entries.set('s15', { url: `http://127.0.0.1:${proxy.port}/mcp`, retry_delay: 1 })
    const everything = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
    entries.set('local', { command: process.execPath, args: [everything, 'stdio'] })
    entries.set('off', { url: 'http://127.0.0.1:59/mcp', enabled: false })
    const publish = () =>
      writeFileSync(soak.folder.at('servers.json'), JSON.stringify({ servers: Object.fromEntries(entries) }))
    publish()
    soak.writeConfig(`sources:\n  - { type: file, paths: [${soak.folder.at('servers.json')}] }\n`)
    await soak.daemon().get('/-/reload', { method: 'POST' })

    const listed = () => soak.daemon().json<{ total: number }>('/servers')
    await until(async () => (await listed()).total === 20)

    const began = performance.now()
    await using fleet = await connectServers({ roster: soak.daemon().url, stdio: ({ name }) => name === 'local' })
    const connectedMs = Math.round(performance.now() - began)
    assert.equal(fleet.active.length, 19, `connected: ${fleet.active.join()}; failed: ${fleet.failed.join()}`)
    const caller = callAlways(fleet)
    await pause(1000)

    const killed = servers.slice(0, 5)
    await Promise.all(killed.map(async ({ kill }) => kill()))
    const brokenMs = await timeUntil(() => killed.every(({ name }) => !isConnected(fleet, name)))
    for (const { name } of killed) entries.delete(name)
    const started = await startMany('new', 5)
    all.push(...started)
    for (const { name, url } of started) entries.set(name, { url, retry_delay: 1 })
    publish()
    await until(async () => (await listed()).total === 20)
    const changedMs = await timeUntil(
      () =>
        started.every(({ name }) => isConnected(fleet, name)) &&
        killed.every(({ name }) => fleet.get(name) === undefined),
    )

    const before = fleet.active.length
    let fewest = before
    const counting = setInterval(() => (fewest = Math.min(fewest, fleet.active.length)), 20)
    for (const signal of ['SIGTERM', 'SIGTERM', 'SIGKILL'] as const) {
      const { child } = soak.daemon()
      child.kill(signal)
      await until(() => child.exitCode !== null || child.signalCode !== null)
      await pause(500)
      await soak.again()
    }
    entries.delete('off')
    publish()
    const returnedMs = await timeUntil(() => fleet.get('off') === undefined)
    clearInterval(counting)

    proxy.freeze({ andNew: true })
    const blackHoleMs = await timeUntil(() => !isConnected(fleet, 's15'))
    proxy.open()
    const restoredMs = await timeUntil(() => isConnected(fleet, 's15'))
    await caller.stop()

    const done = readFileSync(log, 'utf8').trim().split('\n')
    const orders = Map.groupBy(
      done.filter((line) => line.startsWith('order ')).map((line) => line.split(' ')[1] ?? ''),
      (id) => id,
    )
    const repeated = [...orders].filter(([, times]) => times.length > 1).map(([id]) => id)
    const lost = [...caller.succeeded.order].filter((id) => !orders.has(id))
    for (const { kill } of all) await kill()

    const figures = {
      connected: `19 in ${connectedMs} ms`,
      'broken sockets': `${brokenMs} ms`,
      'changes of the roster': `${changedMs} ms`,
      'roster back': `${returnedMs} ms`,
      'fewest connected meanwhile': `${fewest} of ${before}`,
      'black hole': `${blackHoleMs} ms, restored ${restoredMs} ms`,
      calls: `${caller.calls()}, failed ${JSON.stringify(Object.fromEntries(caller.failures))}`,
      'repeated, lost': `${repeated.length}, ${lost.length}`,
    }
    process.stderr.write(`  ${JSON.stringify(figures)}\n`)
    assert.deepEqual([repeated, lost], [[], []])
    assert.equal(fewest, before, 'a connection was lost with the roster')
    assert.ok(brokenMs <= maxReactionMs && changedMs <= maxReactionMs, 'not right within 2 s')
    assert.ok(blackHoleMs <= maxBlackHoleMs, 'black hole')
    assert.equal(caller.failures.get('read failed') ?? 0, 0, 'a call that may be repeated failed')
    return figures
  },
}

const model: Scenario = {
  name: 'fleet-model',
  what: 'a fleet equals the registry after each of many random walks over faults, and no call was lost or repeated',
  limitSeconds: () => 3600,
  async run({ of }) {
    const first = Number(process.env['FLEET_FIRST_SEED'] ?? 1)
    const count = Number(process.env['FLEET_SEEDS'] ?? of(500, 20))
    const began = performance.now()
    for (let seed = first; seed < first + count; seed += 1) await walkFleet(seed, { blackHoles: true })
    return { seeds: `${first} to ${first + count - 1}`, 'ms a seed': Math.round((performance.now() - began) / count) }
  },
}

/** Fleets of real servers. */
export const fleets: readonly Scenario[] = [life, model]
