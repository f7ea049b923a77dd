import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../e2e/daemon-process.ts'
import { freePort } from '../../programs.ts'
import { factsOf, metric, openSoak, quantile, type Scenario } from '../scenario.ts'
import { type Event, stall, watchServers } from '../watcher.ts'

type Soak = Awaited<ReturnType<typeof openSoak>>

/** Many servers in one file; their version is the time of writing. */
function publish({ folder }: Soak, count: number, version: string): void {
  const servers = Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`s${n}`, { command: 'x', version, description: 'd'.repeat(1500) }]),
  )
  writeFileSync(folder.at('many.json'), JSON.stringify({ servers }))
}

async function openMany(count: number, port = 0): Promise<Soak> {
  const soak = await openSoak({ port })
  publish(soak, count, '0')
  soak.writeConfig(`sources:\n  - { type: file, paths: [${soak.folder.at('many.json')}] }\n`)
  await soak.daemon().get('/-/reload', { method: 'POST' })
  await until(async () => (await total(soak)) === count)
  return soak
}

const total = async (soak: Soak) => (await soak.daemon().json<{ total_servers: number }>('/stats')).total_servers
const metrics = async (soak: Soak) => (await soak.daemon().get('/metrics')).text()
const watchers = async (soak: Soak) => metric(await metrics(soak), 'roster_watchers ')

const stalled: Scenario = {
  name: 'stalled',
  what: '100 of the watchers stop reading while 1,000 changes a second go on: memory flat, the others not slowed by it',
  limitSeconds: ({ minutes }) => 180 + minutes * 60,
  async run({ minutes, of }) {
    const servers = 1000
    await using soak = await openMany(servers)
    const delays: number[] = []
    let wrote = 0
    let deliveredRound = 0
    const live = watchServers(soak.daemon().url, {
      onEvent: ({ type, server, at }: Event) => {
        if (type !== 'MODIFIED' || server?.name !== 's0' || server.version !== String(wrote)) return
        deliveredRound = wrote
        delays.push(at - wrote)
      },
    })
    await until(() => live.connections() === 1)
    let changes = 0
    const churn = async (seconds: number) => {
      const end = performance.now() + seconds * 1000
      while (performance.now() < end) {
        const next = performance.now() + 1000
        wrote = performance.now()
        publish(soak, servers, String(wrote))
        changes += servers
        await pause(Math.max(0, next - performance.now()))
      }
      // Otherwise the next hundred would connect during the last measurement.
      await until(() => deliveredRound === wrote)
    }

    // Warm-up: change log and heap grow with the changes, not with the watchers.
    await churn(of(30, 8))
    const before = factsOf(soak.daemon())
    let highest = before.rss
    let cut = 0
    const seconds = Math.min(15, Math.max(5, minutes * 15))
    // A hundred reading and a hundred stalled watchers in turn, so that the number of watchers and the load of the machine cancel out.
    const turns = { read: { delays: [] as number[], cpu: 0 }, stalled: { delays: [] as number[], cpu: 0 } }
    const end = performance.now() + minutes * 60_000
    while (performance.now() < end) {
      for (const [kind, turn] of Object.entries(turns)) {
        const sockets = await Promise.all(Array.from({ length: 100 }, () => stall(soak.daemon().url)))
        if (kind === 'read') for (const socket of sockets) socket.resume()
        // The cost of a hundred new connections is not measured here.
        await pause(2000)
        delays.length = 0
        const { cpuMs } = factsOf(soak.daemon())
        await churn(seconds)
        const after = factsOf(soak.daemon())
        turn.delays.push(...delays)
        turn.cpu += after.cpuMs - cpuMs
        highest = Math.max(highest, after.rss)
        for (const socket of sockets) socket.destroy()
        cut = metric(await metrics(soak), 'roster_watchers_evicted_total')
      }
    }
    await live.close()
    const { read, stalled } = turns
    const figures = {
      minutes,
      changes,
      stalled_at_once: 100,
      cut,
      rss_before_mb: before.rss,
      rss_highest_mb: highest,
      p50_all_read_ms: quantile(read.delays, 0.5),
      p50_stalled_ms: quantile(stalled.delays, 0.5),
      p99_all_read_ms: quantile(read.delays, 0.99),
      p99_stalled_ms: quantile(stalled.delays, 0.99),
      cpu_each_ms_all_read: Math.round(read.cpu / read.delays.length),
      cpu_each_ms_stalled: Math.round(stalled.cpu / stalled.delays.length),
    }
    const found = JSON.stringify(figures)
    assert.ok(stalled.delays.length > 0 && cut > 0, `nothing was tried: ${found}`)
    assert.ok(highest - before.rss <= 100, `memory grew by more than 100 MB: ${found}`)
    assert.ok(figures.p99_stalled_ms < 2 * figures.p99_all_read_ms + 50, `the others were slowed: ${found}`)
    return figures
  },
}

/** Opens a watch and disconnects after `bytes` or a moment. */
async function abortAfter(url: string, bytes: number): Promise<void> {
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1')
  const gone = new Promise((resolve) => void socket.once('close', resolve))
  socket.on('error', () => undefined) // Resets are the subject of this scenario.
  const timer = setTimeout(() => socket.destroy(), 20 + Math.random() * 80)
  let read = 0
  socket.on('data', (chunk) => {
    read += chunk.length
    if (read >= bytes) socket.resetAndDestroy()
  })
  socket.write('GET /servers/watch HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await gone
  clearTimeout(timer)
}

const cycles: Scenario = {
  name: 'cycles',
  what: 'watchers that connect and go away at random bytes: none is left, memory and files as before',
  limitSeconds: ({ of }) => of(600, 90),
  async run({ of }) {
    await using soak = await openMany(300)
    const { url } = soak.daemon()
    const times = of(10_000, 1000)
    const round = async (count: number) => {
      let left = count
      const one = async () => {
        while (left-- > 0) await abortAfter(url, Math.floor(Math.random() * 150_000))
      }
      await Promise.all(Array.from({ length: 50 }, one))
    }
    await round(of(1000, 200))
    await until(async () => (await watchers(soak)) === 0, 5)
    const before = factsOf(soak.daemon())
    const churning = { on: true }
    const churn = (async () => {
      for (let n = 1; churning.on; n += 1) {
        publish(soak, 300, String(n))
        await pause(300)
      }
    })()
    await round(times)
    churning.on = false
    await churn
    const began = performance.now()
    await until(async () => (await watchers(soak)) === 0, 5)
    const zeroMs = Math.round(performance.now() - began)
    const after = await until(() => {
      const facts = factsOf(soak.daemon())
      return facts.fds - before.fds <= 3 && facts
    }, 10)
    return {
      cycles: times,
      zero_after_ms: zeroMs,
      fds: `${before.fds} → ${after.fds}`,
      rss_mb: `${before.rss} → ${after.rss}`,
    }
  },
}

const restart: Scenario = {
  name: 'restart',
  what: 'restart with many watchers: all resume or resync by themselves, without a false removal',
  limitSeconds: () => 180,
  async run({ of }) {
    const port = await freePort()
    await using soak = await openMany(50, port)
    const count = of(1000, 200)
    const seen = new Map<string, number>()
    const versions = Array.from({ length: count }, () => '')
    const all = versions.map((_, n) =>
      watchServers(soak.daemon().url, {
        onEvent: ({ type, server }) => {
          seen.set(type, (seen.get(type) ?? 0) + 1)
          if (server?.name === 's7') versions[n] = server.version ?? ''
        },
      }),
    )
    await until(() => versions.every((version) => version === '0'), 60)
    const code = await soak.daemon().stop()
    assert.equal(code, 0)
    publish(soak, 50, '1')
    const began = performance.now()
    await soak.again()
    await until(() => versions.every((version) => version === '1'), 60)
    const backMs = Math.round(performance.now() - began)
    await until(async () => (await watchers(soak)) === count, 10)
    await Promise.all(all.map(({ close }) => close()))
    const figures = {
      watchers: count,
      all_back_ms: backMs,
      resyncs: seen.get('RESYNC') ?? 0,
      removals: seen.get('DELETED') ?? 0,
    }
    assert.equal(figures.removals, 0, JSON.stringify(figures))
    assert.ok(backMs < 30_000, JSON.stringify(figures))
    return figures
  },
}

export const streams: readonly Scenario[] = [stalled, cycles, restart]
