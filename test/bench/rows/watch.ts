import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { loopDelays, residentMb, settled } from '../daemon-requests.ts'
import { quantile, rounded } from '../figures.ts'
import type { Bench, Measured, Peer, Row } from '../row.ts'

/** Approximate size of an event, in bytes. */
const eventBytes = 730

/** Maximum connections per process on this machine, with room for files. */
function maxConnections(): number {
  const hard = execFileSync('sh', ['-c', 'ulimit -Hn']).toString().trim()
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard) - 200
}

type Fanned = { each: number[]; idleKb: number; afterKb: number; stall: number }

/** A daemon with the memory store: measures the path of a change to its watchers, not the disk. */
async function watchedDaemon(bench: Bench): Promise<Peer> {
  const folder = bench.folder()
  const config = join(folder, 'config.json')
  const sources = [{ type: 'file', paths: [join(folder, 'servers')] }]
  // All watchers come from this address, without a token.
  const watch = { max_watchers_per_address: 15_000, max_watchers_per_token: 15_000 }
  writeFileSync(config, JSON.stringify({ store: { type: 'memory' }, sources, health: { enabled: false }, watch }))
  const daemon = await bench.daemon(['--config', config])
  await settled(daemon.url, 200)
  return daemon
}

/** Opens `many` watchers, leaves them idle, then pushes changes. */
export async function fanned(bench: Bench, many: number): Promise<Fanned> {
  const daemon = await watchedDaemon(bench)
  const client = bench.client('watchers.ts')
  const push = (round: number) =>
    client.ask<{ each: number[] }>({
      type: 'push',
      method: 'PUT',
      url: `${daemon.url}/servers/default/pushed`,
      marker: `round-${round}.`,
      body: JSON.stringify({
        url: 'http://pushed.example/mcp',
        description: `round-${round}.${'x'.repeat(eventBytes - 430)}`,
      }),
    })
  const open = (many: number) =>
    client.ask({ type: 'open', url: daemon.url, path: '/servers/watch', many, greeting: 'event: BOOKMARK' })
  // Warm-up: the first watchers load code; this is not a cost per watcher.
  await open(50)
  for (let round = 0; round < 20; round += 1) await push(round)
  await client.ask({ type: 'close' })
  await settled(daemon.url, 1000)
  const before = residentMb(daemon.pid)
  await open(many)
  await pause(bench.long ? 60_000 : 5000)
  const idle = residentMb(daemon.pid)
  await loopDelays(daemon.url)
  const each: number[] = []
  let stall = 0
  for (let round = 100; round < 105 + 5 * bench.seconds; round += 1) {
    const delivered = (await push(round)).each
    const { longest } = await loopDelays(daemon.url)
    if (round < 102) continue
    each.push(...delivered)
    stall = Math.max(stall, longest)
    await pause(50)
  }
  const after = residentMb(daemon.pid)
  await Promise.all([client.stop(), daemon.stop()])
  const kbEach = (mb: number) => ((mb - before) * 1024) / many
  return { each, idleKb: kbEach(idle), afterKb: kbEach(after), stall }
}

/** The same change to the same number of readers of a bare stream. */
async function bareFanned(bench: Bench, many: number): Promise<number[]> {
  const [bare, client] = [await bench.peer('stream.ts'), bench.client('watchers.ts')]
  await client.ask({ type: 'open', url: bare.url, path: '/', many, greeting: 'event: BOOKMARK' })
  const each: number[] = []
  for (let round = 100; round < 105 + 5 * bench.seconds; round += 1) {
    const marker = `round-${round}.`
    const body = JSON.stringify({ description: `${marker}${'x'.repeat(eventBytes - 60)}` })
    const delivered = await client.ask<{ each: number[] }>({
      type: 'push',
      method: 'POST',
      url: bare.url,
      marker,
      body,
    })
    if (round >= 102) each.push(...delivered.each)
    await pause(50)
  }
  await Promise.all([client.stop(), bare.stop()])
  return each
}

function fanOut(many: number, goalMs: number): Row {
  return {
    name: `push → ${many.toLocaleString('en')} watchers`,
    goal: `p99 ≤ ${goalMs} ms, no loop stall > 20 ms`,
    reaches: (value) => value <= goalMs,
    async measure(bench): Promise<Measured | { skipped: string }> {
      const most = maxConnections()
      if (many > most) return { skipped: `a process may hold ${most} connections here (ulimit -n)` }
      const { each, stall } = await fanned(bench, many)
      const bare = await bareFanned(bench, many)
      return {
        value: quantile(each, 0.99),
        unit: 'ms',
        stallMs: stall,
        detail: {
          p50: rounded(quantile(each, 0.5)),
          bare_p50: rounded(quantile(bare, 0.5)),
          bare_p99: rounded(quantile(bare, 0.99)),
        },
      }
    },
  }
}

function idleWatcher(wanted: number): Row {
  return {
    name: `an idle watcher, at ${wanted.toLocaleString('en')}`,
    goal: '≤ 20 kB resident; no loop stall > 20 ms during a push',
    reaches: (value) => value <= 20,
    async measure(bench) {
      const many = Math.min(wanted, maxConnections())
      const { idleKb, afterKb, stall } = await fanned(bench, many)
      return {
        value: idleKb,
        unit: 'kB',
        stallMs: stall,
        detail: { watchers: many, after_pushes_kb: rounded(afterKb) },
      }
    },
  }
}

export const watch: readonly Row[] = [fanOut(1000, 30), fanOut(10_000, 150), idleWatcher(10_000)]
