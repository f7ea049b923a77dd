import { writeServers } from '../builders.ts'
import { json, loopDelays, residentMb, settled, totalOf, until } from '../daemon-requests.ts'
import { quantile, rounded } from '../figures.ts'
import type { Row } from '../row.ts'
import { timesOver } from './filters.ts'
import { fanned } from './watch.ts'

/** Cost by number of servers; the value is the p99 of a new filter. */
function servers(many: number): Row {
  return {
    name: `${many.toLocaleString('en')} servers`,
    goal: 'cost follows the number of matches',
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
      // Each matches ten servers at every size.
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
        if (seen.description !== `Version ${at}`) throw new Error('the written server is not listed')
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

/** Cost of a change by number of watchers; the value is the p99 until all have received it. */
function watchers(many: number): Row {
  return {
    name: `${many.toLocaleString('en')} watchers`,
    goal: 'at most linear',
    async measure(bench) {
      const { each, idleKb, stall } = await fanned(bench, many)
      return {
        value: quantile(each, 0.99),
        unit: 'ms',
        detail: {
          p50: rounded(quantile(each, 0.5)),
          stall_ms: rounded(stall),
          // With few watchers, heap slack exceeds their own size.
          ...(many >= 1000 && { idle_kb_each: rounded(idleKb) }),
        },
      }
    },
  }
}

export const curves: readonly Row[] = [...[1000, 10_000, 100_000].map(servers), ...[10, 1000, 10_000].map(watchers)]
