/**
 * Long scenarios with the literal figures of the promises: `npm run soak [-- NAME…] [--minutes N] [--short] [--only PART,…]`.
 *
 * Each scenario runs against its own real daemon for a bounded time and prints one line: pass or FAIL, duration, figures. The exit
 * code is 1 when any scenario failed.
 */
import { parseArgs } from 'node:util'
import type { Effort, Figures, Scenario } from './scenario.ts'
import { attackScenarios } from './scenarios/attacks.ts'
import { contracts } from './scenarios/contract.ts'
import { files } from './scenarios/files.ts'
import { fleets } from './scenarios/fleet.ts'
import { lives } from './scenarios/lives.ts'
import { replicas } from './scenarios/replicas.ts'
import { sharedProbes } from './scenarios/shared-probes.ts'
import { stores } from './scenarios/stores.ts'
import { streams } from './scenarios/streams.ts'

const scenarios: readonly Scenario[] = [
  ...files,
  ...streams,
  ...lives,
  ...stores,
  ...replicas,
  ...sharedProbes,
  ...contracts,
  ...attackScenarios,
  ...fleets,
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string' },
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})
const short = values.short
const effort: Effort = {
  short,
  minutes: Number(values.minutes ?? (short ? 0.25 : 10)),
  of: (full, brief) => (short ? brief : full),
  isChosen: (part) => values.only === '' || values.only.split(',').includes(part),
}
const unknown = positionals.filter((name) => !scenarios.some((one) => one.name === name))
if (unknown.length > 0 || !(effort.minutes > 0)) {
  process.stderr.write(`There is no ${unknown.join(', ') || 'such time'}. There are:\n${listing()}`)
  process.exit(2)
}

const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
let failed = 0
for (const scenario of chosen) {
  process.stderr.write(`${scenario.name}: ${scenario.what} …\n`)
  const began = performance.now()
  const outcome = await outcomeOf(scenario)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  if (outcome instanceof Error) failed += 1
  const summary = outcome instanceof Error ? outcome.message : figuresOf(outcome)
  process.stdout.write(
    `${outcome instanceof Error ? 'FAIL' : 'pass'}  ${scenario.name.padEnd(9)} ${seconds} s  ${summary}\n`,
  )
}
process.stdout.write(`${chosen.length - failed} of ${chosen.length} passed\n`)
// An abandoned scenario may leave handles open; they must not keep this process alive.
process.exit(failed === 0 ? 0 : 1)

async function outcomeOf({ run, limitSeconds }: Scenario): Promise<Figures | Error> {
  const seconds = limitSeconds(effort)
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`not done after ${seconds} s`)), seconds * 1000)
  try {
    return await Promise.race([run(effort), late.promise])
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    clearTimeout(timer)
  }
}

function figuresOf(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

function listing(): string {
  return scenarios.map(({ name, what }) => `  ${name.padEnd(9)} ${what}\n`).join('')
}
