/**
 * Runs the tests with the repository's Node: `node test/run.ts [PATTERN…]`.
 *
 * Prints every skipped test with its reason at the end, so that a green run hides nothing.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { pathToFileURL } from 'node:url'
import { buildUi } from '../config/ui.ts'

const patterns = process.argv.slice(2)
/**
 * Slow folders start first, so that no slow file runs alone at the end. Published agents mostly wait: each of their files runs beside
 * busy ones.
 */
const slowFirst = [
  'published/python-3',
  'published/typescript',
  'e2e/',
  'published/python-0',
  'ui/',
  'stores/',
  'published/rust',
  'api/',
  'sources/',
  'health/',
  'registry/',
  'client/',
]
function rank(file: string): number {
  const at = slowFirst.findIndex((start) => file.startsWith(`test/${start}`))
  return at < 0 ? slowFirst.length : at
}
const files = globSync('test/**/*.test.ts')
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .toSorted((one, other) => rank(one) - rank(other) || one.localeCompare(other))
/** Folders whose files leave nothing behind in their process: each is one process in a whole run, which saves half of its CPU. The longest first. */
const sharedFolders = [
  'ui',
  'client/connect',
  'cli',
  'api/watch',
  'api/mesh',
  'api/servers',
  'client/agent',
  'mcp',
  'agents',
  'api/calls',
  'api/config',
  'api/http',
  'api/openapi',
  'api/operations',
  'api/publish',
  'config',
  'flow',
  'health',
  'journal',
  'metrics',
  'model',
  'outbound',
  'registrations',
  'registry',
]
const batchFolder = mkdtempSync(join(tmpdir(), 'roster-tests-'))
process.once('exit', () => rmSync(batchFolder, { recursive: true, force: true }))

/** The files to run: those of a shared folder are replaced by one that imports them. */
function batched(all: readonly string[]): string[] {
  const single: string[] = []
  const batches = new Map<string, string[]>()
  for (const file of all) {
    const folder = sharedFolders.find((name) => `${dirname(file)}/`.startsWith(`test/${name}/`))
    if (folder === undefined) single.push(file)
    else batches.set(folder, [...(batches.get(folder) ?? []), file])
  }
  const files = [...batches].map(([folder, members]) => {
    const path = join(batchFolder, `${folder.replaceAll('/', '-')}.test.mjs`)
    const imports = members.map((file) => `import ${JSON.stringify(pathToFileURL(resolve(file)).href)}\n`)
    writeFileSync(path, imports.join(''))
    return path
  })
  return [...single.slice(0, 20), ...files, ...single.slice(20)]
}

const skipped: string[] = []

// Each test file is a process that loads much of src/: a shared compile cache serves them and the daemons they start.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache')

/** Builds the daemon for the tests that start it, so that a whole run also tests what is shipped. */
function buildDaemon(): string {
  const folder = join(batchFolder, 'built')
  execFileSync(process.execPath, ['config/build.ts', join(folder, 'dist')])
  copyFileSync('package.json', join(folder, 'package.json'))
  return join(folder, 'dist/main.js')
}
if (patterns.length === 0) process.env['ROSTER_BUILT_MAIN'] ??= buildDaemon()
// Daemons that run from the sources serve it from there, all from one folder.
await buildUi('dist/ui')
process.env['ROSTER_UI_BUILT'] = 'yes'

/** Maximum time of one file, or one folder in one process, in ms. */
const maxFileMs = 300_000
/** Maximum silence of the run, in ms: a file with an open handle after its tests would never end. */
const maxSilenceMs = 130_000
const running = new Set<string>()
/** Tests that were enqueued and have not completed, with their number. */
const pending = new Map<string, number>()
const giveUp = new AbortController()
const watchdog = setTimeout(() => {
  process.stderr.write(`no test event for ${maxSilenceMs / 1000} s; still running: ${[...running].join(', ')}\n`)
  process.exitCode = 1
  giveUp.abort()
}, maxSilenceMs)

function count({ file = '', nesting, name }: { file?: string; nesting: number; name: string }, by: 1 | -1): void {
  const key = `  ${file} ${'> '.repeat(nesting)}${name}`
  pending.set(key, (pending.get(key) ?? 0) + by)
}

// A pattern is for debugging: then each file stands in the report by its own name.
const runFiles = patterns.length === 0 ? batched(files) : files
const tests = run({ files: runFiles, concurrency: 3, timeout: maxFileMs, signal: giveUp.signal })
tests.on('data', () => watchdog.refresh())
tests.on('test:enqueue', (test) => count(test, 1))
tests.on('test:complete', (test) => count(test, -1))
tests.on('test:dequeue', ({ name }) => void (runFiles.includes(name) && running.add(name)))
tests.on('test:complete', ({ name }) => void running.delete(name))
tests.on('test:pass', ({ name, skip }) => {
  if (skip !== undefined) skipped.push(`${name}: ${skip === true ? 'no reason given' : skip}`)
})
tests.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1
})
tests.on('end', () => {
  clearTimeout(watchdog)
  // A file whose process exits or hangs before its tests complete does not fail the runner.
  const unfinished = [...pending].flatMap(([name, many]) => (many > 0 ? `${name}\n` : []))
  if (unfinished.length > 0) {
    process.stderr.write(`\nStarted and never completed:\n${unfinished.join('')}`)
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
