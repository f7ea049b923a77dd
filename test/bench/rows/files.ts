import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quantile, type Row } from '../row.ts'
import { serversFile, until } from './lists.ts'
import { residentMb, settled } from './start.ts'

const savedToVisible: Row = {
  name: 'file saved → visible',
  goal: 'p99 ≤ 300 ms',
  reaches: (value) => value <= 300,
  async measure(bench) {
    const folder = bench.folder()
    mkdirSync(folder, { recursive: true })
    const daemon = await bench.daemon([folder])
    await settled(daemon.url, 200)
    const times: number[] = []
    for (let round = 0; round < 60; round += 1) {
      writeFileSync(`${folder}.new`, serversFile(1, `round-${round}`))
      const saved = performance.now()
      renameSync(`${folder}.new`, join(folder, 'servers.json'))
      while ((await fetch(`${daemon.url}/servers/round-${round}-0`)).status !== 200)
        await new Promise((resolve) => setTimeout(resolve, 5))
      times.push(performance.now() - saved)
    }
    await daemon.stop()
    return { value: quantile(times, 0.99), unit: 'ms', detail: { p50: Math.round(quantile(times, 0.5)) } }
  },
}

const tenThousand: Row = {
  name: '10,000 servers in 50 files: longest event-loop stall over load, list, filter, reload',
  goal: '≤ 20 ms; memory ≤ 150 MB once settled',
  reaches: (value) => value <= 20,
  async measure(bench) {
    const folder = bench.folder()
    mkdirSync(folder, { recursive: true })
    const daemon = await bench.daemon([folder])
    await settled(daemon.url, 200)
    const total = async () => ((await (await fetch(`${daemon.url}/servers?limit=1`)).json()) as { total: number }).total
    await longestStall(daemon.url)
    for (let file = 0; file < 50; file += 1) writeFileSync(join(folder, `${file}.json`), serversFile(200, `f${file}`))
    await until(async () => (await total()) === 10_000)
    const load = await longestStall(daemon.url)
    for (let round = 0; round < 20; round += 1) {
      await (await fetch(`${daemon.url}/servers`)).arrayBuffer()
      await (await fetch(`${daemon.url}/servers?tag=geo&tag=team-${round}`)).arrayBuffer()
    }
    const list = await longestStall(daemon.url)
    writeFileSync(join(folder, '7.json'), serversFile(200, 'g7'))
    await fetch(`${daemon.url}/-/reload`, { method: 'POST' })
    await until(async () => (await fetch(`${daemon.url}/servers/g7-3`)).status === 200)
    const reload = await longestStall(daemon.url)
    await settled(daemon.url, 5000)
    const memory = residentMb(daemon.pid)
    await daemon.stop()
    return {
      value: Math.max(load, list, reload),
      unit: 'ms',
      detail: {
        load: Math.round(load),
        list: Math.round(list),
        reload: Math.round(reload),
        memory_mb: Math.round(memory),
      },
    }
  },
}

/** The longest delay of the event loop since it was asked last, in ms; the sampling itself waits 10. */
async function longestStall(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]) * 1000 - 10
}

export const files: readonly Row[] = [savedToVisible, tenThousand]
