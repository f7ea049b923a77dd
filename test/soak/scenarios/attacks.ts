import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../e2e/daemon-process.ts'
import type { Attack, Target } from '../attacks/attack.ts'
import { documentAttacks } from '../attacks/documents.ts'
import { startOrdinaryClients } from '../attacks/ordinary-clients.ts'
import { registrationAttacks } from '../attacks/registrations.ts'
import { requestAttacks } from '../attacks/requests.ts'
import { upstreamAttacks } from '../attacks/upstream.ts'
import { type Effort, type Figures, factsOf, openSoak, quantile, type Scenario } from '../scenario.ts'

const attacks: readonly Attack[] = [...requestAttacks, ...upstreamAttacks, ...registrationAttacks, ...documentAttacks]

const maxGrowthMb = 100
const maxP99Ms = 100
const maxRemainder = 1.3
const servers = 1000

type Soak = Awaited<ReturnType<typeof openSoak>>

/** The built daemon with 1,000 servers and its own default limits. */
async function openTarget(): Promise<Soak> {
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

/** Attacks a fresh daemon that has served ordinary clients for a while; what was beyond the limits. */
async function attackFresh(
  name: string,
  some: readonly Attack[],
  { seconds, warmUpMs, restMs = 0 }: { seconds: number; warmUpMs: number; restMs?: number },
) {
  await using soak = await openTarget()
  await using clients = startOrdinaryClients(soak.daemon().url, 10)
  // The heap grows to its working size under plain requests.
  await pause(warmUpMs)
  const before = factsOf(soak.daemon()).rss
  const { peak, p99 } = await attack(some, seconds, { soak, target: targetOf(soak), clients })
  await pause(restMs)
  const after = factsOf(soak.daemon()).rss
  const rest = restMs > 0 ? `, later ${after} MB` : ''
  const figure = `${before} MB +${peak - before}${rest}, p99 ${p99} ms`
  process.stderr.write(`  ${name}: ${figure}\n`)
  // All attacks at once may hold the sum of what each may.
  const isLarge = some.length === 1 ? peak - before > maxGrowthMb : after > before * maxRemainder
  return { figure, failed: isLarge || p99 > maxP99Ms }
}

async function attackInTurn({ of, isChosen }: Effort): Promise<Figures> {
  execFileSync(process.execPath, ['config/build.ts'], { stdio: 'inherit' })
  const warmUpMs = of(15_000, 5000)
  const chosen = attacks.filter(({ name }) => isChosen(name))
  const figures: Record<string, string> = {}
  const failures: string[] = []
  for (const one of chosen) {
    process.stderr.write(`  ${one.name}: ${one.what} …\n`)
    const { figure, failed } = await attackFresh(one.name, [one], { seconds: of(20, 8), warmUpMs })
    figures[one.name] = figure
    if (failed) failures.push(one.name)
  }
  if (chosen.length > 1) {
    const { figure, failed } = await attackFresh('all', chosen, { seconds: of(60, 20), warmUpMs, restMs: 60_000 })
    figures['all'] = figure
    if (failed) failures.push('all')
  }
  assert.deepEqual(failures, [], `beyond the limits: ${JSON.stringify(figures)}`)
  return figures
}

/** Each attack alone, then all at once, against the built daemon while ordinary clients poll. */
export const attackScenarios: readonly Scenario[] = [
  {
    name: 'attacks',
    what: 'what one client or remote host can do: memory grows by at most 100 MB, ordinary clients see p99 ≤ 100 ms',
    limitSeconds: ({ of }) => of(400, 250) + attacks.length * of(90, 60),
    run: attackInTurn,
  },
]
