/**
 * Runs every test with the node of the repository: `node test/run.ts [PATTERN…]`.
 *
 * Ends with what was skipped and why, so that a green run never hides what it did not try.
 */
import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const patterns = process.argv.slice(2)
/** What takes longest begins first, so that the end does not wait for one that began late. */
const longest = ['e2e', 'stores', 'api', 'sources', 'health', 'registry', 'client']
function rank(file: string): number {
  const at = longest.findIndex((folder) => file.startsWith(`test/${folder}/`))
  return at < 0 ? longest.length : at
}
const files = globSync('test/**/*.test.ts')
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .toSorted((one, other) => rank(one) - rank(other) || one.localeCompare(other))
const skipped: string[] = []

// Each file is a process of its own and reads much of src: what one compiled serves the next, and the daemons they start.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache')

/** A file that holds on to something after its tests would keep the run from ending for ever. */
const patienceMs = 130_000
const running = new Set<string>()
/** How often each test was announced and not told of since. */
const untold = new Map<string, number>()
const giveUp = new AbortController()
const patience = setTimeout(() => {
  process.stderr.write(`nothing was told for ${patienceMs / 1000} s; still running: ${[...running].join(', ')}\n`)
  process.exitCode = 1
  giveUp.abort()
}, patienceMs)

function count({ file = '', nesting, name }: { file?: string; nesting: number; name: string }, by: 1 | -1): void {
  const key = `  ${file} ${'> '.repeat(nesting)}${name}`
  untold.set(key, (untold.get(key) ?? 0) + by)
}

const tests = run({ files, concurrency: 3, timeout: 120_000, signal: giveUp.signal })
tests.on('data', () => patience.refresh())
tests.on('test:enqueue', (test) => count(test, 1))
tests.on('test:complete', (test) => count(test, -1))
tests.on('test:dequeue', ({ name }) => void (files.includes(name) && running.add(name)))
tests.on('test:complete', ({ name }) => void running.delete(name))
tests.on('test:pass', ({ name, skip }) => {
  if (skip !== undefined) skipped.push(`${name}: ${skip === true ? 'no reason given' : skip}`)
})
tests.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1
})
tests.on('end', () => {
  clearTimeout(patience)
  // Something in such a file ended its process, or waited for what never came: to the runner that is no failure.
  const vanished = [...untold].flatMap(([name, many]) => (many > 0 ? `${name}\n` : []))
  if (vanished.length > 0) {
    process.stderr.write(`\nBegun and never ended:\n${vanished.join('')}`)
    process.exitCode = 1
  }
  if (files.length === 0) {
    process.stderr.write(`no test file matches ${patterns.join(' ')}\n`)
    process.exitCode = 1
  }
  if (skipped.length > 0)
    process.stdout.write(`\nSkipped, with the reason:\n${skipped.map((line) => `  ${line}\n`).join('')}`)
})
tests.compose(new spec()).pipe(process.stdout)
