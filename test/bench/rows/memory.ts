import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentMade, registering, serversFile } from '../builders.ts'
import { loopDelays, residentMb, settled, totalOf, until } from '../daemon-requests.ts'
import type { Bench, Peer, Row } from '../row.ts'

const [sources, each] = [50, 200]
const connections = 64

/** A settled daemon with 10,000 entries of 50 sources. */
async function fullDaemon(bench: Bench): Promise<Peer> {
  const folder = bench.folder()
  const files = Array.from({ length: sources }, (_, at) => {
    const path = join(folder, `${at}.json`)
    writeFileSync(path, serversFile(each, `source-${at}`))
    return { type: 'file', name: `source-${at}`, paths: [path] }
  })
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify({ sources: [...files, { type: 'agents' }] }))
  const daemon = await bench.daemon(['--config', config])
  await until(async () => (await totalOf(daemon.url)) === sources * each)
  await settled(daemon.url, bench.long ? 60_000 : 30_000)
  return daemon
}

const settledMemory: Row = {
  name: '10,000 entries of 50 sources, settled',
  goal: '≤ 150 MB',
  reaches: (value) => value <= 150,
  async measure(bench) {
    const empty = await bench.daemon([])
    await settled(empty.url)
    const emptyMb = residentMb(empty.pid)
    await empty.stop()
    const daemon = await fullDaemon(bench)
    return { value: residentMb(daemon.pid), unit: 'MB', detail: { empty_mb: Math.round(emptyMb) } }
  },
}

const afterStorm: Row = {
  name: 'the same after a storm of registrations / before it',
  goal: '≤ 1.5; no event-loop stall > 20 ms',
  reaches: (value) => value <= 1.5,
  async measure(bench) {
    const daemon = await fullDaemon(bench)
    const before = residentMb(daemon.pid)
    await loopDelays(daemon.url)
    const bodies = Array.from({ length: 20 }, (_, round) =>
      Array.from({ length: 1000 }, (_, at) => agentMade(at, round)),
    ).flat()
    const { rate } = await bench.load(daemon.url + registering, { bodies, connections })
    const peak = residentMb(daemon.pid)
    const { longest } = await loopDelays(daemon.url)
    await settled(daemon.url, 60_000)
    const after = residentMb(daemon.pid)
    return {
      value: after / before,
      unit: 'ratio',
      stallMs: longest,
      detail: {
        before_mb: Math.round(before),
        peak_mb: Math.round(peak),
        after_mb: Math.round(after),
        registrations_per_second: Math.round(rate),
      },
    }
  },
}

export const memory: readonly Row[] = [settledMemory, afterStorm]
