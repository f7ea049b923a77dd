import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serversFile } from '../builders.ts'
import { cpuPairs, cpuRatioOf } from '../cpu.ts'
import { json, totalOf, until } from '../daemon-requests.ts'
import { ratioOf } from '../figures.ts'
import type { Bench, Peer, Row } from '../row.ts'

async function daemonWith(bench: Bench, many: number) {
  const folder = bench.folder()
  writeFileSync(join(folder, 'servers.json'), serversFile(many))
  const daemon = await bench.daemon([folder])
  await until(async () => (await totalOf(daemon.url)) === many)
  return { ...daemon, folder }
}

/** A recorded response for a bare server: status, headers and bytes. */
async function answerOf(url: string) {
  const answer = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`)
  const own = new Set(['date', 'connection', 'keep-alive'])
  const headers = Object.fromEntries([...answer.headers].filter(([key]) => !own.has(key)))
  return { status: answer.status, headers, body: await answer.text() }
}

/** Compares one path of the daemon with a bare server that sends the same response. */
function sameBytes(name: string, path: string, goal: number): Row {
  return {
    name,
    goal: `≥ ${goal.toFixed(2)} of bare node:http`,
    reaches: (value) => value >= goal,
    async measure(bench) {
      const daemons = await some(() => daemonWith(bench, 1000))
      const bares = await some(async () => bench.peer('bytes.ts', await answerOf(daemons[0]?.url + path)))
      return ratioOf(8 * bench.seconds, inTurn(bench, daemons, path), inTurn(bench, bares, path))
    },
  }
}

/** Compares the CPU time of one address of ours to that of a plain Hono handler that sends the same headers and bytes. */
function likePlainHono(name: string, path: string, route: string): Row {
  return {
    name: `CPU of ${name} against a plain Hono handler`,
    goal: '≥ 0.95',
    reaches: (value) => value >= 0.95,
    async measure(bench) {
      return cpuRatioOf(cpuPairs, async () => {
        const ours = await daemonWith(bench, 1000)
        const theirs = await bench.peer('hono.ts', { path: route, ...(await answerOf(ours.url + path)) })
        return { ours, theirs, request: ({ url }) => bench.slice(`${url}${path}`) }
      })
    },
  }
}

/**
 * Three processes of each kind: two processes of the same program differ by up to a fifth for their whole life, depending on memory
 * layout.
 */
async function some(start: () => Promise<Peer>): Promise<Peer[]> {
  return [await start(), await start(), await start()]
}

function inTurn(bench: Bench, peers: readonly Peer[], path: string) {
  let slice = 0
  return () => bench.slice(`${peers[slice++ % peers.length]?.url}${path}`)
}

/** 300 different queries: lists and single servers. */
function questions(): string[] {
  return Array.from({ length: 100 }, (_, at) => [
    `/servers?tag=team-${at % 20}&limit=${10 + at}`,
    `/servers?label_selector=env%3Dprod%2Cregion%3Dregion-${at % 7}&any_tag=team-${at % 20},team-${(at + 1) % 20}`,
    `/servers/server-${at * 7}`,
  ]).flat()
}

const probedServers = 200

const oneAfterAnother: Row = {
  name: 'GET of 300 different queries, a change a second, 200 probes a second',
  goal: '≥ 0.80 of bare node:http',
  reaches: (value) => value >= 0.8,
  async measure(bench) {
    const target = await bench.peer('bytes.ts')
    const daemon = await daemonWith(bench, 1000)
    const write = (name: string, servers: object) =>
      writeFileSync(join(daemon.folder, name), JSON.stringify({ servers }))
    const probed = Array.from({ length: probedServers }, (_, at) => {
      const url = `${target.url}/${at}`
      return [`probed-${at}`, { url, health_check_url: url, health_check_interval: 1 }] as const
    })
    write('probed.json', Object.fromEntries(probed))
    await until(async () => (await totalOf(daemon.url, '&status=healthy')) === probedServers)
    const paths = questions()
    const answers = await Promise.all(paths.map(async (path) => [path, await answerOf(daemon.url + path)] as const))
    const bare = await bench.peer('answers.ts', Object.fromEntries(answers))
    let changes = 0
    const changing = setInterval(() => {
      changes += 1
      write('changing.json', { changing: { command: 'true', description: `Change number ${changes}` } })
    }, 1000)
    const before = await probesOf(daemon.url)
    const begun = performance.now()
    try {
      const measured = await ratioOf(
        5 * bench.seconds,
        () => bench.slice(daemon.url, { paths }),
        () => bench.slice(bare.url, { paths }),
      )
      const perSecond = ((await probesOf(daemon.url)) - before) / ((performance.now() - begun) / 1000)
      if (perSecond < probedServers / 2) throw new Error(`only ${perSecond.toFixed(0)} probes a second were made`)
      const { servers } = await json<{ servers: { description: string }[] }>(`${daemon.url}/servers?name=changing`)
      if (servers.length !== 1) throw new Error('the changes did not appear')
      return { ...measured, detail: { ...measured.detail, changes, probes_per_second: Math.round(perSecond) } }
    } finally {
      clearInterval(changing)
    }
  },
}

async function probesOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const counted = [...text.matchAll(/^roster_probe_results_total\S* (\S+)/gm)]
  return counted.reduce((sum, [, value]) => sum + Number(value), 0)
}

export const lists: readonly Row[] = [
  sameBytes('GET /servers?tag=geo, 1,000 servers', '/servers?tag=geo', 0.9),
  sameBytes('GET /servers/{id}', '/servers/server-7', 0.9),
  likePlainHono('GET /servers?tag=geo', '/servers?tag=geo', '/servers'),
  likePlainHono('GET /servers/{id}', '/servers/server-7', '/servers/:name'),
  oneAfterAnother,
]
