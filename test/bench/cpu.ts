import { readFileSync } from 'node:fs'
import { createRandom } from '../random.ts'
import { medianInterval, median, rounded } from './figures.ts'
import type { Load } from './load.ts'
import type { Measured, Peer, Skipped } from './row.ts'

/** CPU time of a process and its threads, in seconds. Linux counts in hundredths. */
function cpuSeconds(pid: number): number {
  const [, fields = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
  const values = fields.split(' ')
  return (Number(values[11]) + Number(values[12])) / 100
}

/** Pairs of fresh processes of a row. */
export const cpuPairs = 9
const slicesEach = 3

/** Two servers to compare, and how to load one of them for a second. */
export type CpuPair = {
  readonly ours: Peer
  readonly theirs: Peer
  readonly request: (peer: Peer) => Promise<Load>
}

/**
 * Compares two programs by CPU time per request, in `pairs` of fresh processes one after another: `theirs / ours`, so that 1 means the
 * same work and less means that ours costs more.
 *
 * Two processes of the same program differ by up to a fifth for their whole life, depending on memory layout; so the value is the median of
 * the pairs, with its 90 % interval by bootstrap.
 */
export async function cpuRatioOf(pairs: number, startPair: () => Promise<CpuPair>): Promise<Measured | Skipped> {
  if (process.platform !== 'linux') return { skipped: 'CPU time per process is read from /proc' }
  const measured: { ours: number; theirs: number }[] = []
  for (let pair = 0; pair < pairs; pair += 1) measured.push(await measurePair(await startPair(), pair % 2 === 0))
  const ratios = measured.map(({ ours, theirs }) => theirs / ours)
  return {
    value: median(ratios),
    unit: 'ratio',
    interval: medianInterval(ratios, createRandom(1)),
    detail: {
      ours_us: rounded(median(measured.map(({ ours }) => ours))),
      theirs_us: rounded(median(measured.map(({ theirs }) => theirs))),
      pairs,
    },
  }
}

/** Median CPU time per request of each, in µs, by slices of a second in turn. Ends both processes. */
async function measurePair({ ours, theirs, request }: CpuPair, isOursFirst: boolean) {
  async function microsecondsPerRequest(peer: Peer): Promise<number> {
    const before = cpuSeconds(peer.pid)
    const { requests } = await request(peer)
    return ((cpuSeconds(peer.pid) - before) / requests) * 1_000_000
  }

  const order = isOursFirst ? [ours, theirs] : [theirs, ours]
  const costs = new Map<Peer, number[]>(order.map((peer) => [peer, []]))
  for (const peer of order) await request(peer)
  for (let slice = 0; slice < slicesEach; slice += 1)
    for (const peer of order) costs.get(peer)?.push(await microsecondsPerRequest(peer))
  for (const peer of order) await peer.stop()
  return { ours: median(costs.get(ours) ?? []), theirs: median(costs.get(theirs) ?? []) }
}
