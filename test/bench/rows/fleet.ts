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

async function callsOf(bench: Bench): Promise<Measured> {
  const { daemon, url, stop } = await openServers(bench, 1, false)
  const all: Figures[] = []
  for (let pair = 0; pair < cpuPairs; pair += 1) {
    const client = bench.client('fleet.ts')
    all.push(await client.ask<Figures>({ kind: 'calls', roster: daemon.url, server: url, calls: 100 * bench.seconds }))
    await client.stop()
  }
  await stop()
  const ratios = all.map(({ bare_us = 0, fleet_us = 0 }) => bare_us / fleet_us)
  const medianOf = (name: string) => rounded(median(all.map((figures) => figures[name] ?? Number.NaN)))
  return {
    value: median(ratios),
    unit: 'ratio',
    interval: medianInterval(ratios, createRandom(1)),
    detail: {
      fleet_us: medianOf('fleet_us'),
      bare_us: medianOf('bare_us'),
      fleet_wall_us: medianOf('fleet_wall_us'),
      bare_wall_us: medianOf('bare_wall_us'),
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
  {
    name: 'A call through a fleet, by CPU',
    goal: '≥ 0.95 of the bare SDK',
    reaches: (value) => value >= 0.95,
    measure: callsOf,
  },
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
