import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStatisticsArchive } from '../../../src/health/statistics/statistics-archive.ts'
import { createStatistics } from '../../../src/health/statistics/statistics.ts'
import { createWindowTotals } from '../../../src/health/statistics/window-totals.ts'
import { silent } from '../../../src/log.ts'
import { openSqlite } from '../../../src/stores/sqlite/sqlite.ts'
import { StoreUnavailable, type StoredStatistics } from '../../../src/stores/store.ts'
import { temporary } from '../../e2e/daemon-process.ts'
import { until } from '../../stores/builders.ts'
import { createTestRegistry } from '../../test-registry.ts'
import { createFakeClock } from '../fake-clock.ts'

const ok = { ok: true, reason: 'ok', response_time_ms: 12 } as const
const bad = { ok: false, reason: 'timeout', response_time_ms: 5000 } as const
const minuteMs = 60_000

/** Statistics over a registry that the test changes, of servers that nothing probes. */
function statisticsOf({ maxBytes }: { maxBytes?: number } = {}) {
  const time = createFakeClock()
  const roster = createTestRegistry()
  const statistics = createStatistics({
    registry: roster.registry,
    clock: time.clock,
    historyOf: () => undefined,
    ...(maxBytes && { maxBytes }),
  })
  const hour = (id: string) => {
    const totals = createWindowTotals('1h', statistics.minute())
    const rings = statistics.ringsOf(id)
    if (rings) totals.add(rings)
    return totals.total()
  }
  return { ...time, ...roster, statistics, hour }
}

describe('statistics', () => {
  it('judge a server that is not probed, such as an agent, once a minute by its status', async () => {
    const { put, pass, hour } = statisticsOf()
    put({ name: 'agent', status: 'healthy' }, { name: 'unknown', status: 'unknown' })
    await pass(10 * minuteMs)
    put({ name: 'agent', status: 'offline' })
    await pass(10 * minuteMs)
    put({ name: 'agent', status: 'healthy' })

    assert.deepEqual(hour('default/agent'), {
      probes: 20,
      availability: 0.5,
      errors: { other: 10 },
      p50_ms: null,
      p95_ms: null,
      flaps: 2,
    })
    assert.equal(hour('default/unknown').probes, 0)
  })

  it('take no more memory than their limit, and give that of servers that left to others', () => {
    const { put, drop, statistics } = statisticsOf({ maxBytes: 20_000 })
    const ids = Array.from({ length: 30 }, (_, n) => `default/s${n}`)
    put(...ids.map((id) => ({ name: id.slice(8) })))

    statistics.probed(ids, ok)

    const { servers, bytes } = statistics.counts()
    assert.ok(servers > 5 && servers < 15 && bytes < 22_000, `${servers} servers, ${bytes} bytes`)
    assert.equal(statistics.isFull(), true)
    assert.equal(statistics.ringsOf(ids.at(-1)!), undefined)
    drop('s0')
    statistics.probed([ids.at(-1)!], ok)
    assert.ok(statistics.ringsOf(ids.at(-1)!))
    assert.equal(statistics.ringsOf('default/s0'), undefined)
    assert.deepEqual(statistics.takeForgotten(), ['default/s0'])
  })

  it('count the fifth reason and further ones of a server together', () => {
    const { statistics, hour } = statisticsOf()
    for (const reason of ['refused', 'timeout', 'dns', 'tls', 'protocol', 'http_status', 'tls'] as const)
      statistics.probed(['default/a'], { ...bad, reason })

    assert.deepEqual(hour('default/a').errors, { tls: 2, other: 2, refused: 1, timeout: 1, dns: 1 })
  })
})

describe('the archive of statistics', () => {
  it('writes in the background, so that a crash loses the last interval alone, and adds what it reads to what was counted', async () => {
    using folder = temporary()
    await using store = await openSqlite({ path: folder.at('roster.db'), log: silent })
    const first = statisticsOf()
    first.put({ name: 'a' }, { name: 'b' })
    first.statistics.probed(['default/a', 'default/b'], ok)
    first.statistics.probed(['default/a'], bad)
    const archive = { opening: Promise.resolve(store), log: silent, everyMs: 10 }
    await using archives = new AsyncDisposableStack()
    archives.use(createStatisticsArchive({ ...archive, statistics: first.statistics }))
    await until(async () => (await store.statistics(undefined)).length === 2)

    const second = statisticsOf()
    second.put({ name: 'a' })
    second.statistics.probed(['default/a'], bad)
    archives.use(createStatisticsArchive({ ...archive, statistics: second.statistics }))
    await until(() => second.statistics.counts().servers === 2)

    const { probes, errors, p50_ms } = second.hour('default/a')
    assert.deepEqual([probes, errors], [3, { timeout: 2 }])
    assert.ok(Math.abs(p50_ms! / 12 - 1) < 0.06, `${p50_ms}`)
    // The other one did not come back.
    await second.pass(25 * 60 * minuteMs)
    await until(async () => (await store.statistics(undefined)).every(({ server }) => server === 'default/a'))
  })

  it('writes what failed again, reads on after an outage, and leaves a text of another version alone', async () => {
    const { statistics, put } = statisticsOf()
    put({ name: 'a' })
    let isDown = true
    let refusals = 0
    const stored = new Map<string, string>()
    const pages: StoredStatistics[][] = [[{ server: 'default/odd', statistics: 'AAAA' }], []]
    const store = {
      type: 'postgres' as const,
      statistics: async () => {
        if (isDown) {
          isDown = false
          throw new StoreUnavailable('down')
        }
        return pages.shift()!
      },
      saveStatistics: async (saved: readonly StoredStatistics[]) => {
        if (isDown) {
          refusals += 1
          throw new StoreUnavailable('down')
        }
        for (const { server, statistics } of saved) stored.set(server, statistics)
      },
    }
    const archive = createStatisticsArchive({
      opening: Promise.resolve(store),
      statistics,
      log: silent,
      everyMs: 10,
    })
    await until(() => pages.length === 0)
    isDown = true
    statistics.probed(['default/a'], ok)
    await until(() => refusals > 0)
    assert.equal(stored.size, 0)
    isDown = false
    await archive[Symbol.asyncDispose]()
    assert.deepEqual([...stored.keys()], ['default/a'])
  })
})
