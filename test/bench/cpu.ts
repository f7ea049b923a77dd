import { readFileSync } from 'node:fs'
import { median, rounded } from './figures.ts'
import type { Load } from './load.ts'
import type { Measured, Peer, Skipped } from './row.ts'

/** CPU time of a process and its threads, in seconds. Linux counts in hundredths. */
function cpuSeconds(pid: number): number {
  const [, fields = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
  const values = fields.split(' ')
  return (Number(values[11]) + Number(values[12])) / 100
}

/**
 * Compares two kinds of servers by CPU time per request, in adjacent slices of a second: `theirs / ours`, so that 1 means the
 * same work and less means that ours costs more. `request` loads a server for a second.
 */
export async function cpuRatioOf(
  pairs: number,
  ours: readonly Peer[],
  theirs: readonly Peer[],
  request: (peer: Peer) => Promise<Load>,
): Promise<Measured | Skipped> {
  if (process.platform !== 'linux') return { skipped: 'CPU time per process is read from /proc' }

  async function microsecondsPerRequest(peer: Peer): Promise<number> {
    const before = cpuSeconds(peer.pid)
    const { rate } = await request(peer)
    return ((cpuSeconds(peer.pid) - before) / rate) * 1_000_000
  }

  const measured: { ours: number; theirs: number }[] = []
  for (const peer of [...ours, ...theirs]) await request(peer)
  for (let pair = 0; pair < pairs; pair += 1) {
    const [mine, other] = [ours[pair % ours.length], theirs[pair % theirs.length]]
    if (!mine || !other) throw new Error('there is nothing to compare')
    const first = pair % 2 === 0 ? await microsecondsPerRequest(mine) : undefined
    const second = await microsecondsPerRequest(other)
    measured.push({ ours: first ?? (await microsecondsPerRequest(mine)), theirs: second })
  }
  return {
    value: median(measured.map((one) => one.theirs / one.ours)),
    unit: 'ratio',
    detail: {
      ours_us: rounded(median(measured.map((one) => one.ours))),
      theirs_us: rounded(median(measured.map((one) => one.theirs))),
      pairs,
    },
  }
}
