import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startKubeApi } from '../../fakes/kube-api.ts'
import { daemonFlags } from '../../programs.ts'
import { kubeconfigFor } from '../../sources/kubernetes/observed-cluster.ts'
import { residentMb, settled } from '../daemon-requests.ts'
import { median } from '../figures.ts'
import { freePort } from '../ports.ts'
import type { Bench, Row } from '../row.ts'

/** Milliseconds from the start of a process to its first response on a given port; it runs `afterMs` longer. */
async function firstAnswer(
  args: readonly string[],
  port: number,
  env: Record<string, string>,
  afterMs = 0,
): Promise<number> {
  const begun = performance.now()
  const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended with ${child.exitCode}`)
      await pause(1) // polling without a pause would take a core from the starting process
    }
    const took = performance.now() - begun
    await pause(afterMs)
    return took
  } finally {
    child.kill('SIGTERM')
    await exited
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/servers', agent: false }, (response) => {
      response.resume()
      if (response.statusCode === 200) resolve(true)
      else reject(new Error(`the first answer was a ${response.statusCode}`))
    })
    asked.on('error', () => resolve(false))
    asked.end()
  })
}

const bareServer = (port: number) => [
  '-e',
  `require('node:http').createServer((q, s) => s.end('ok')).listen(${port}, '127.0.0.1')`,
]

/** How to start one of the compared programs. */
type Starter = (port: number) => { args: readonly string[]; env: Record<string, string> }

function daemonStarter(bench: Bench, config?: object): Starter {
  const home = bench.folder()
  const file = join(home, 'config.json')
  if (config) writeFileSync(file, JSON.stringify(config))
  const env = { HOME: home, XDG_STATE_HOME: join(home, 'state') }
  const given = config ? ['--config', file] : []
  return (port) => ({
    args: [...daemonFlags(), bench.bin, 'serve', '--host', 'localhost', '--port', String(port), ...given],
    env,
  })
}

/** After this time, a daemon has written the code cache of its start, in ms. */
const keptMs = 5000

/** Starts the programs in turn; returns the median of each. The first starts fill caches. */
async function mediansOf(bench: Bench, ...starters: readonly Starter[]): Promise<number[]> {
  const times: number[][] = starters.map(() => [])
  for (let round = 0; round < 8 + 4 * bench.seconds; round += 1) {
    for (const [at, starter] of starters.entries()) {
      const port = await freePort()
      const { args, env } = starter(port)
      times[at]?.push(await firstAnswer(args, port, env, round === 0 ? keptMs : 0))
    }
  }
  return times.map((all) => median(all.slice(2)))
}

const startToAnswer: Row = {
  name: 'start to first answer, default sources / bare HTTP server',
  goal: '≤ 2.5, ≤ 100 ms',
  reaches: (value) => value <= 2.5,
  async measure(bench) {
    const bareStarter: Starter = (port) => ({ args: bareServer(port), env: {} })
    const [ours = 0, bare = 1] = await mediansOf(bench, daemonStarter(bench), bareStarter)
    return { value: ours / bare, unit: 'ratio', detail: { ours_ms: Math.round(ours), bare_ms: Math.round(bare) } }
  },
}

const withoutKubernetes: Row = {
  name: 'start with the Kubernetes source outside a cluster / without it',
  goal: '≤ 1.05',
  reaches: (value) => value <= 1.05,
  async measure(bench) {
    await using api = await startKubeApi()
    await using kubeconfig = await kubeconfigFor(api)
    const others = [{ type: 'env' }, { type: 'file' }, { type: 'agents' }]
    const kube = { type: 'kubernetes' }
    const [idle = 0, without = 1, used = 0] = await mediansOf(
      bench,
      daemonStarter(bench, { sources: [...others, kube] }),
      daemonStarter(bench, { sources: others }),
      daemonStarter(bench, { sources: [...others, { ...kube, kubeconfig: kubeconfig.path }] }),
    )
    return {
      value: idle / without,
      unit: 'ratio',
      detail: { idle_ms: Math.round(idle), without_ms: Math.round(without), used_ms: Math.round(used) },
    }
  },
}

const idleMemory: Row = {
  name: 'idle resident memory',
  goal: '≤ 90 MB',
  reaches: (value) => value <= 90,
  async measure(bench) {
    const [daemon, bare] = [await bench.daemon([]), await bench.peer('bytes.ts')]
    await settled(daemon.url)
    return {
      value: residentMb(daemon.pid),
      unit: 'MB',
      detail: { bare_typescript_server_mb: Math.round(residentMb(bare.pid)) },
    }
  },
}

export const start: readonly Row[] = [startToAnswer, withoutKubernetes, idleMemory]
