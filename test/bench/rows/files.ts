import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serversFile } from '../builders.ts'
import { json, loopDelays, residentMb, settled, totalOf, until } from '../daemon-requests.ts'
import { quantile, rounded } from '../figures.ts'
import type { Row } from '../row.ts'

const savedToVisible: Row = {
  name: 'file saved → visible',
  goal: 'p99 ≤ 300 ms',
  reaches: (value) => value <= 300,
  async measure(bench) {
    const folder = bench.folder()
    const daemon = await bench.daemon([folder])
    await settled(daemon.url, 200)
    const times: number[] = []
    for (let round = 0; round < 20 + 20 * bench.seconds; round += 1) {
      writeFileSync(`${folder}.new`, serversFile(1, `round-${round}`))
      const saved = performance.now()
      renameSync(`${folder}.new`, join(folder, 'servers.json'))
      await until(async () => (await fetch(`${daemon.url}/servers/round-${round}-0`)).status === 200, 2)
      times.push(performance.now() - saved)
    }
    return {
      value: quantile(times, 0.99),
      unit: 'ms',
      detail: { p50: rounded(quantile(times, 0.5)), times: times.length },
    }
  },
}

const tenThousand: Row = {
  name: '10,000 servers in 50 files: longest event-loop stall over load, list, filter, reload',
  goal: '≤ 20 ms',
  reaches: (value) => value <= 20,
  async measure(bench) {
    const folder = bench.folder()
    const daemon = await bench.daemon([folder])
    await settled(daemon.url, 200)
    const stall = async () => (await loopDelays(daemon.url)).longest
    await stall()
    for (let file = 0; file < 50; file += 1) writeFileSync(join(folder, `${file}.json`), serversFile(200, `f${file}`))
    await until(async () => (await totalOf(daemon.url)) === 10_000)
    const load = await stall()
    for (let round = 0; round < 20; round += 1) {
      const { count } = await json<{ count: number }>(`${daemon.url}/servers`)
      if (count !== 10_000) throw new Error(`${count} servers are listed`)
      await json(`${daemon.url}/servers?tag=geo&tag=team-${round}`)
    }
    const list = await stall()
    writeFileSync(join(folder, '7.json'), serversFile(200, 'g7'))
    await fetch(`${daemon.url}/-/reload`, { method: 'POST' })
    await until(async () => (await fetch(`${daemon.url}/servers/g7-3`)).status === 200)
    const reload = await stall()
    await settled(daemon.url, bench.long ? 60_000 : 30_000)
    return {
      value: Math.max(load, list, reload),
      unit: 'ms',
      detail: {
        load: rounded(load),
        list: rounded(list),
        reload: rounded(reload),
        memory_mb: Math.round(residentMb(daemon.pid)),
      },
    }
  },
}

export const files: readonly Row[] = [savedToVisible, tenThousand]
