import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../e2e/daemon-process.ts'
import type { Attack, Target } from '../attacks/attack.ts'
import { startOrdinaryClients } from '../attacks/ordinary-clients.ts'
import { requestAttacks } from '../attacks/requests.ts'
import { upstreamAttacks } from '../attacks/upstream.ts'
import { type Effort, type Figures, factsOf, openSoak, quantile, type Scenario } from '../scenario.ts'

const attacks: readonly Attack[] = [...requestAttacks, ...upstreamAttacks]

const maxGrowthMb = 100
const maxP99Ms = 100
const maxRemainder = 1.3
const servers = 1000

type Soak = Awaited<ReturnType<typeof openSoak>>

/** The built daemon with 1,000 servers and its own default limits. */
async function openBuilt(): Promise<Soak> {
  execFileSync(process.execPath, ['config/build.ts'], { stdio: 'inherit' })
  const soak = await openSoak({ main: 'dist/main.js' })
  const many = Object.fromEntries(
    Array.from({ length: servers }, (_, n) => [`s${n}`, { command: 'x', description: `Server ${n}. `.repeat(10) }]),
  )
  writeFileSync(soak.folder.at('many.json'), JSON.stringify({ servers: many }))
  await reload(soak, [])
  await until(async () => (await soak.daemon().json<{ total_servers: number }>('/stats')).total_servers === servers)
  return soak
}

async function reload(soak: Soak, added: readonly object[]): Promise<void> {
  const sources = [{ type: 'file', paths: [soak.folder.at('many.json')] }, { type: 'agents' }, ...added]
  soak.writeConfig(JSON.stringify({ sources }))
  const { status } = await soak.daemon().get('/-/reload', { method: 'POST' })
  assert.equal(status, 200)
}

function targetOf(soak: Soak): Target {
  const { url } = soak.daemon()
  let sources: readonly object[] = []
  return {
    url,
    port: Number(new URL(url).port),
    async addSources(...added) {
      sources = [...sources, ...added]
      await reload(soak, sources)
      return {
        async [Symbol.asyncDispose]() {
          sources = sources.filter((source) => !added.includes(source))
          await reload(soak, sources)
        },
      }
    },
  }
}

/** Runs attacks at once for some seconds; the highest memory meanwhile and the quantile of the ordinary clients. */
async function attack(
  some: readonly Attack[],
  seconds: number,
  { soak, target, clients }: { soak: Soak; target: Target; clients: ReturnType<typeof startOrdinaryClients> },
) {
  await clients.take()
  const over = new AbortController()
  let peak = 0
  const running = Promise.all(some.map(({ run }) => run(target, over.signal)))
  running.catch(() => over.abort())
  const end = performance.now() + seconds * 1000
  while (performance.now() < end && !over.signal.aborted) {
    peak = Math.max(peak, factsOf(soak.daemon()).rss)
    await pause(100)
  }
  const times = await clients.take()
  over.abort()
  await running
  assert.ok(times.length > 0, 'no ordinary client was answered')
  return { peak, p99: quantile(times, 0.99) }
}

async function attackInTurn({ of, isChosen }: Effort): Promise<Figures> {
  await using soak = await openBuilt()
  await using clients = startOrdinaryClients(soak.daemon().url, 10)
  const parts = { soak, target: targetOf(soak), clients }
  // The heap grows to its working size under plain requests.
  await pause(of(20_000, 5000))
  const before = factsOf(soak.daemon()).rss
  const chosen = attacks.filter(({ name }) => isChosen(name))
  const figures: Record<string, number | string> = { before_mb: before }
  const failures: string[] = []
  const check = (name: string, { peak, p99 }: { peak: number; p99: number }) => {
    figures[name] = `+${peak - before} MB p99 ${p99} ms`
    if (peak - before > maxGrowthMb || p99 > maxP99Ms) failures.push(name)
    process.stderr.write(`  ${name}: ${figures[name]}\n`)
  }
  for (const one of chosen) {
    process.stderr.write(`  ${one.name}: ${one.what} …\n`)
    check(one.name, await attack([one], of(20, 5), parts))
    await pause(of(5000, 1000))
  }
  check('all', await attack(chosen, of(60, 15), parts))
  await pause(60_000)
  const after = factsOf(soak.daemon()).rss
  figures['after_mb'] = after
  if (after > before * maxRemainder) failures.push('memory a minute later')
  assert.deepEqual(failures, [], `beyond the limits: ${JSON.stringify(figures)}`)
  return figures
}

/** Each attack alone, then all at once, against the built daemon while ordinary clients poll. */
export const attackScenarios: readonly Scenario[] = [
  {
    name: 'attacks',
    what: 'what one client or remote host can do: memory grows by at most 100 MB, ordinary clients see p99 ≤ 100 ms',
    limitSeconds: ({ of }) => of(600, 300) + attacks.length * of(30, 10),
    run: attackInTurn,
  },
]
