import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { json, loopDelays, residentMb, settled, totalOf, until } from '../daemon-requests.ts'
import { quantile, rounded } from '../figures.ts'
import type { Row } from '../row.ts'
import { timesOver } from './filters.ts'

const many = 10_000

type Page = { servers: unknown[]; metadata: { nextCursor?: string } }

/** Baseline: reads the pages one after another and parses their JSON. */
async function bareReading(url: string): Promise<number> {
  const begun = performance.now()
  let read = 0
  for (let cursor: string | undefined = '0'; cursor !== undefined;) {
    const page: Page = await json<Page>(`${url}/v0.1/servers?limit=100&cursor=${cursor}`)
    read += page.servers.length
    cursor = page.metadata.nextCursor
  }
  if (read !== many) throw new Error(`${read} servers were read`)
  return performance.now() - begun
}

const officialRegistry: Row = {
  name: 'official registry, 10,000 entries over 100 pages: read and listed',
  goal: 'no event-loop stall > 20 ms; time beside reading the pages alone',
  async measure(bench) {
    const directory = await bench.peer('directory.ts', { many })
    const bare = await bareReading(directory.url)
    const config = join(bench.folder(), 'config.json')
    const sources = [{ type: 'http', name: 'official', url: `${directory.url}/v0.1/servers`, interval: '1h' }]
    writeFileSync(config, JSON.stringify({ sources, health: { enabled: false } }))
    const daemon = await bench.daemon(['--config', config])
    const begun = performance.now()
    await loopDelays(daemon.url)
    await until(async () => (await totalOf(daemon.url)) === many, 10)
    const took = performance.now() - begun
    const { longest } = await loopDelays(daemon.url)
    const search = await timesOver(daemon.url, (n) => `/servers?q=server+${1000 + n}&limit=100`, 50 * bench.seconds)
    await settled(daemon.url, bench.long ? 60_000 : 5000)
    return {
      value: took / bare,
      unit: 'ratio',
      stallMs: longest,
      detail: {
        read_ms: Math.round(took),
        bare_ms: Math.round(bare),
        search_p99_ms: rounded(quantile(search, 0.99)),
        memory_mb: Math.round(residentMb(daemon.pid)),
      },
    }
  },
}

export const pulled: readonly Row[] = [officialRegistry]
