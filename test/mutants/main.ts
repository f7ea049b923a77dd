/**
 * Plants bugs one at a time and checks that the tests find them: `node test/mutants/main.ts [NAME…]`.
 *
 * Applies each `*.patch` of this folder to a temporary copy of the repository and runs the tests that it names. All these tests run
 * without a patch first: they must pass. The exit code is 1 when a mutant survives.
 */
import { allMutants, copyOfRepository, misfit, type Mutant, run } from './mutants.ts'

type Outcome = { readonly caught: boolean; readonly by: string }

/** Maximum duration of the tests of one mutant, in s; a hanging test counts as caught. */
const maxSeconds = 60
const concurrency = 2

const names = process.argv.slice(2)
const all = allMutants()
const chosen = all.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)))
if (chosen.length === 0) {
  process.stderr.write(`No mutant matches. Available:\n${all.map(({ name }) => `  ${name}\n`).join('')}`)
  process.exit(2)
}

const tests = [...new Set(chosen.flatMap((mutant) => mutant.tests))]
const sound = await tried(tests)
if (sound.caught) {
  process.stderr.write(`The tests fail without any mutant: ${sound.by}\n`)
  process.exit(2)
}

const queue = [...chosen]
let survived = 0
await Promise.all(Array.from({ length: concurrency }, takeTurns))
process.stdout.write(`${chosen.length - survived} of ${chosen.length} caught\n`)
process.exitCode = survived === 0 ? 0 : 1

async function takeTurns(): Promise<void> {
  for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
    const began = performance.now()
    const { caught, by } = await tried(mutant.tests, mutant)
    if (!caught) survived += 1
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    const verdict = caught ? 'caught  ' : 'SURVIVED'
    process.stdout.write(
      `${verdict} ${mutant.name.padEnd(26)} ${seconds} s  ${mutant.why}${caught ? ` [${by}]` : ''}\n`,
    )
  }
}

/** Runs test files one after another in a copy of the repository until one fails; with the mutant, if given, applied. */
async function tried(files: readonly string[], mutant?: Mutant): Promise<Outcome> {
  using copy = copyOfRepository()
  const wrong = mutant && (await misfit(mutant, copy.folder, { apply: true }))
  if (wrong !== undefined) throw new Error(`${mutant?.name} does not fit: ${wrong}`)
  const end = performance.now() + maxSeconds * 1000 * (mutant ? 1 : 5)
  for (const file of files) {
    const seconds = Math.max(1, (end - performance.now()) / 1000)
    const { code, said } = await run(process.execPath, ['--test', '--test-reporter=tap', file], copy.folder, seconds)
    if (code !== 0) return { caught: true, by: firstFailure(said) ?? `${file} does not end` }
  }
  return { caught: false, by: '' }
}

/** The innermost test that failed first. */
function firstFailure(tap: string): string | undefined {
  const failures = [...tap.matchAll(/^( *)not ok \d+ - (.+)$/gm)]
  const deepest = Math.max(...failures.map(([, indent = '']) => indent.length))
  return failures.find(([, indent = '']) => indent.length === deepest)?.[2]
}
