import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { temporary, until } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'
import { postgresMissing, startPostgres } from '../stores/databases/postgres.ts'

const skip = postgresMissing()
const targetCount = 24

type Daemon = Awaited<ReturnType<typeof startHere>>
type Cluster = { members: { id: string; targets: number }[]; unowned_targets: number }
type Listed = { servers: { id: string; status: string; health: { since: string } }[] }

/** Targets that count their probes, and fail on demand. */
async function startTargets() {
  const probes = new Map<string, number[]>()
  const failing = new Set<string>()
  const server = createServer(({ url = '' }, response) => {
    probes.set(url, [...(probes.get(url) ?? []), performance.now()])
    response.writeHead(failing.has(url) ? 503 : 200).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    failing,
    probes,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Waits until each target was probed so often from now. */
    probed: async (times: number) => {
      probes.clear()
      await until(async () => [...probes.values()].filter(({ length }) => length >= times).length === targetCount)
    },
    /** The shortest pause between two probes of one target, in ms. */
    shortestPause: () =>
      Math.min(...[...probes.values()].flatMap((times) => times.slice(1).map((time, at) => time - times[at]!))),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const listOf = async (daemon: Daemon) => (await daemon.ask<Listed>('GET', '/servers')).body.servers
/** The statuses of all servers with their times, as text. */
const shownBy = async (daemon: Daemon) =>
  JSON.stringify((await listOf(daemon)).map(({ id, status, health }) => [id, status, health.since]))
const idOf = async (daemon: Daemon) => (await daemon.ask<{ id: string }>('GET', '/cluster')).body.id
/** How many targets each member probes, as this daemon counts. */
async function ownershipOf(daemon: Daemon) {
  const { body } = await daemon.ask<Cluster>('GET', '/cluster')
  return {
    targets: Object.fromEntries(body.members.map(({ id, targets }) => [id, targets])),
    unowned: body.unowned_targets,
  }
}
const tokenOf = async (daemon: Daemon) =>
  (await daemon.ask<{ resource_version: string }>('GET', '/servers?limit=1')).body.resource_version.replace(/^.*\./, '')

describe('daemons on one database', { skip }, () => {
  let database: Awaited<ReturnType<typeof startPostgres>>
  before(async () => {
    if (skip === undefined) database = await startPostgres()
  })
  after(async () => database?.[Symbol.asyncDispose]())

  it('probe each target once, agree on every status and its time, and take over without moving one', async () => {
    await using targets = await startTargets()
    await using stack = new AsyncDisposableStack()
    const folder = stack.use(temporary())
    const url = await database.create()
    const begin = async () => {
      const config = `cluster: { lease_duration: 3, retry_period: 0.2 }
sources: [{ type: file, paths: ['${folder.at('servers.json')}'] }]
health: { interval: 1, thresholds: { failures: 2, successes: 1 } }
store: { type: postgres, url: '${url}' }
`
      return startHere(config)
    }
    const servers = JSON.stringify({
      servers: Object.fromEntries(
        Array.from({ length: targetCount }, (_, at) => [
          `s${at}`,
          { url: `${targets.url}/mcp/${at}`, health_check: 'http', health_check_url: `${targets.url}/${at}` },
        ]),
      ),
    })
    writeFileSync(folder.at('servers.json'), servers)
    const first = await begin()
    stack.defer(() => first[Symbol.asyncDispose]())
    const others = await Promise.all([begin(), begin()])
    const [second, third] = others
    for (const other of others) stack.defer(() => other[Symbol.asyncDispose]())
    const members = async () => (await first.ask<{ members: unknown[] }>('GET', '/cluster')).body.members.length
    await until(async () => (await members()) === 3)
    const all = [first, second, third]
    const agree = async (status: string) => {
      await until(async () => {
        const shown = await Promise.all(all.map(shownBy))
        return shown.every((one) => one === shown[0]) && shown[0]?.split(`"${status}"`).length === targetCount + 1
      })
      const tokens = await Promise.all(all.map(tokenOf))
      assert.equal(new Set(tokens).size, 1)
    }
    await agree('healthy')

    // The first daemon goes on with a target until its owner has told a first result.
    await targets.probed(2)
    await targets.probed(3)
    assert.ok(targets.shortestPause() > 700, `${targets.shortestPause()}`)

    // Each counts alike who probes how many, and all of them are probed.
    const counted = async (daemons: readonly Daemon[]) =>
      until(async () => {
        const views = await Promise.all(daemons.map(ownershipOf))
        const sum = Object.values(views[0]!.targets).reduce((one, other) => one + other)
        const isAgreed = new Set(views.map((view) => JSON.stringify(view))).size === 1
        return isAgreed && views[0]!.unowned === 0 && sum === targetCount ? views[0]!.targets : undefined
      })
    const { [await idOf(third)]: ofThird, ...ofOthers } = await counted(all)
    assert.ok(ofThird! > 0 && Object.values(ofOthers).every((count) => count > 0))
    const metrics = await (await third.get('/metrics')).text()
    assert.match(metrics, new RegExp(`^roster_owned_targets ${ofThird}$`, 'm'))
    assert.match(metrics, /^roster_verdicts_written_total [1-9]/m)
    assert.match(metrics, /^roster_verdicts_read_total [1-9]/m)
    const thirdId = await idOf(third)

    for (let at = 0; at < 8; at += 1) targets.failing.add(`/${at}`)
    await until(async () => (await listOf(third)).filter(({ status }) => status === 'unhealthy').length === 8)
    await until(async () => new Set(await Promise.all(all.map(tokenOf))).size === 1)

    const token = await tokenOf(first)
    await third[Symbol.asyncDispose]()
    await targets.probed(1)
    assert.equal(await tokenOf(first), token)
    assert.equal(await tokenOf(second), token)
    await counted([first, second])
    const takeover = (await first.ask<{ last_takeover: { from: string } }>('GET', '/cluster')).body.last_takeover
    assert.equal(takeover.from, thirdId)
  })
})
