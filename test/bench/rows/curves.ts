import { json, loopDelays, residentMb, settled, totalOf, until } from '../asking.ts'
import { quantile, rounded } from '../figures.ts'
import { writeServers } from '../made.ts'
import type { Row } from '../row.ts'
import { timesOver } from './filters.ts'
import { fanned } from './watch.ts'

/** What things cost as the number of servers grows: the value is a new filter's p99. */
function servers(many: number): Row {
  return {
    name: `${many.toLocaleString('en')} servers`,
    goal: 'a new filter costs what it finds',
    async measure(bench) {
      const folder = bench.folder()
      writeServers(folder, many)
      const begun = performance.now()
      const daemon = await bench.daemon([folder])
      await until(async () => (await totalOf(daemon.url)) === many, 50)
      const loaded = performance.now() - begun
      await loopDelays(daemon.url)
      const list = await bench.load(`${daemon.url}/servers?tag=geo&limit=100`)
      const one = await bench.load(`${daemon.url}/servers/server-7`)
      const reps = 100 * bench.seconds
      // Each finds ten, however many there are.
      const ten = (n: number) => `/servers?capability=capability-${n % 200}&limit=10&label_selector=!never-${n}`
      const filter = await timesOver(daemon.url, ten, reps)
      const words = await timesOver(daemon.url, (n) => `/servers?q=number+${n}&limit=10`, reps)
      const writes: number[] = []
      for (let at = 0; at < 20 * bench.seconds; at += 1) {
        const sent = performance.now()
        const body = JSON.stringify({ url: 'http://written.example/mcp', description: `Version ${at}` })
        const headers = { 'content-type': 'application/json' }
        const put = await fetch(`${daemon.url}/servers/default/written`, { method: 'PUT', body, headers })
        if (!put.ok) throw new Error(`writing answered ${put.status}`)
        const seen = await json<{ description: string }>(`${daemon.url}/servers/written`)
        if (seen.description !== `Version ${at}`) throw new Error('what was written is not there')
        writes.push(performance.now() - sent)
      }
      const { longest } = await loopDelays(daemon.url)
      await settled(daemon.url, 5000)
      return {
        value: quantile(filter, 0.99),
        unit: 'ms',
        detail: {
          loaded_ms: Math.round(loaded),
          filter_p50_ms: rounded(quantile(filter, 0.5)),
          lists_per_second: Math.round(list.rate),
          ones_per_second: Math.round(one.rate),
          words_p99_ms: rounded(quantile(words, 0.99)),
          write_to_visible_p99_ms: rounded(quantile(writes, 0.99)),
          stall_ms: rounded(longest),
          memory_mb: Math.round(residentMb(daemon.pid)),
        },
      }
    },
  }
}

/** What a change costs as the number of watchers grows: the value is the p99 until all have it. */
function watchers(many: number): Row {
  return {
    name: `${many.toLocaleString('en')} watchers`,
    goal: 'linear at most',
    async measure(bench) {
      const { each, idleKb, stall } = await fanned(bench, many)
      return {
        value: quantile(each, 0.99),
        unit: 'ms',
        detail: {
          p50: rounded(quantile(each, 0.5)),
          stall_ms: rounded(stall),
          // Of few, the slack of the heap is more than they are.
          ...(many >= 1000 && { idle_kb_each: rounded(idleKb) }),
        },
      }
    },
  }
}

export const curves: readonly Row[] = [...[1000, 10_000, 100_000].map(servers), ...[10, 1000, 10_000].map(watchers)]
