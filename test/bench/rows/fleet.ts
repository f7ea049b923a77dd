import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createRandom } from '../../random.ts'
import { cpuPairs } from '../cpu.ts'
import { median, medianInterval, rounded } from '../figures.ts'
import type { Bench, Measured, Row } from '../row.ts'

const manyServers = 500

/** A daemon with a file of servers, each at a path of one process; probed or not. */
async function openServers(bench: Bench, count: number, probed: boolean) {
  const tools = await bench.peer('tools.ts')
  const folder = bench.folder()
  const servers = Object.fromEntries(Array.from({ length: count }, (_, n) => [`s${n}`, { url: `${tools.url}/s${n}` }]))
  writeFileSync(join(folder, 'servers.json'), JSON.stringify({ servers }))
  const config = { sources: [{ type: 'file', paths: [join(folder, 'servers.json')] }], health: { enabled: probed } }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  const daemon = await bench.daemon(['--config', join(folder, 'config.json')])
  const listed = async (query: string) =>
    ((await (await fetch(`${daemon.url}/servers?limit=1&${query}`)).json()) as { total: number }).total
  const wanted = probed ? 'status=healthy' : ''
  while ((await listed(wanted)) < count) await pause(50)
  return { daemon, url: `${tools.url}/s0`, stop: async () => void (await Promise.all([daemon.stop(), tools.stop()])) }
}

type Figures = Record<string, number>

/** Calls a second through a fleet and through the SDK alone, in turn. */
async function callsOf(bench: Bench, inFlight: number): Promise<Measured> {
  const { daemon, url, stop } = await openServers(bench, 1, false)

  async function measure(way: 'fleet' | 'bare'): Promise<Figures> {
    const client = bench.client('fleet.ts')
    const calls = 1000 * bench.seconds
    const figures = await client.ask<Figures>({ kind: 'calls', way, roster: daemon.url, server: url, calls, inFlight })
    await client.stop()
    return figures
  }

  const pairs: { readonly fleet: Figures; readonly bare: Figures }[] = []
  for (let pair = 0; pair < cpuPairs; pair += 1) {
    if (pair % 2 === 0) pairs.push({ fleet: await measure('fleet'), bare: await measure('bare') })
    else pairs.push({ bare: await measure('bare'), fleet: await measure('fleet') })
  }
  await stop()
  const ratios = pairs.map(({ fleet, bare }) => (fleet['rate'] ?? Number.NaN) / (bare['rate'] ?? Number.NaN))
  const medianOf = (way: 'fleet' | 'bare', name: string) =>
    rounded(median(pairs.map((pair) => pair[way][name] ?? Number.NaN)))
  return {
    value: median(ratios),
    unit: 'ratio',
    interval: medianInterval(ratios, createRandom(1)),
    detail: {
      fleet_rate: medianOf('fleet', 'rate'),
      bare_rate: medianOf('bare', 'rate'),
      fleet_cpu_us: medianOf('fleet', 'cpu_us'),
      bare_cpu_us: medianOf('bare', 'cpu_us'),
      pairs: cpuPairs,
    },
  }
}

async function connectionsOf(bench: Bench, probed: boolean): Promise<Figures> {
  const { daemon, stop } = await openServers(bench, manyServers, probed)
  const client = bench.client('fleet.ts')
  const figures = await client.ask<Figures>({ kind: 'connect', roster: daemon.url, servers: manyServers })
  await client.stop()
  await stop()
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value)]))
}

/** Rows of the fleet: the library that connects to every server. */
export const fleetRows: readonly Row[] = [
  ...[1, 16].map((inFlight) => ({
    name: `Calls a second through a fleet, ${inFlight} at a time`,
    goal: '≥ 0.95 of the bare SDK',
    reaches: (value: number) => value >= 0.95,
    measure: (bench: Bench) => callsOf(bench, inFlight),
  })),
  {
    name: 'A fleet of 500 servers connects',
    goal: 'measured: ms',
    async measure(bench) {
      const figures = await connectionsOf(bench, false)
      return { value: figures['ms'] ?? Number.NaN, unit: 'ms', detail: figures }
    },
  },
  {
    name: 'A fleet of 500 probed servers connects warm',
    goal: 'measured: cold ÷ warm',
    async measure(bench) {
      const cold = await connectionsOf(bench, false)
      const warm = await connectionsOf(bench, true)
      const detail = Object.fromEntries([
        ...Object.entries(cold).map(([name, value]) => [`cold_${name}`, value] as const),
        ...Object.entries(warm).map(([name, value]) => [`warm_${name}`, value] as const),
      ])
      return { value: (cold['cpu_ms'] ?? 0) / (warm['cpu_ms'] ?? 0), unit: 'ratio', detail }
    },
  },
]
