import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'node:test'

/** The rooms of src/: imports run only downwards in this list, type imports too. */
const floors = [
  'main.ts',
  'daemon.ts',
  'cli',
  'config',
  'ui',
  'client',
  'api',
  'mcp',
  'metrics',
  'cluster',
  'health',
  'journal',
  'registrations',
  'registry',
  'sources',
  'agents',
  'stores',
  'log.ts',
  'outbound',
  'flow',
  'runtime',
  'model',
]

/** What people import: `mcp-roster`, `mcp-roster/connect` and `mcp-roster/agent`. */
const publicEntries = new Set(['src/client/index.ts', 'src/client/connect/index.ts', 'src/client/agent/index.ts'])

const files = globSync('src/**/*.{ts,tsx}').toSorted()

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*|new URL\(\s*)'([^']+)'/g)
  return [...found].flatMap(([, target]) => target ?? [])
}

const inside = (file: string, target: string) => relative('.', join(dirname(file), target))
const floorOf = (file: string) => floors.indexOf(file.split('/')[1] ?? '')

describe('the rooms of src', () => {
  it('every file of src/ belongs to a room of the list', () => {
    assert.ok(files.length > 20)
    assert.deepEqual(
      files.filter((file) => floorOf(file) < 0),
      [],
    )
  })

  it('imports run only downwards', () => {
    const upwards: string[] = []
    for (const file of files) {
      for (const target of importsOf(file).filter((text) => text.startsWith('.'))) {
        const line = `${file} -> ${inside(file, target)}`
        if (inside(file, target).startsWith('src/') && floorOf(inside(file, target)) < floorOf(file)) upwards.push(line)
      }
    }
    assert.deepEqual(upwards, [])
  })

  it('the transport of the API imports no feature folder and no servers', () => {
    const feature = /^src\/(?:api\/(?!http\/|config\/)|agents\/|registry\/|registrations\/|model\/server)/
    const imported = files
      .filter((file) => file.startsWith('src/api/http/'))
      .flatMap((file) => importsOf(file).map((target) => inside(file, target)))
    assert.deepEqual(
      imported.filter((target) => feature.test(target)),
      [],
    )
  })

  it('model is pure and imports only zod, semver, levenshtein and node:crypto', () => {
    const allowed = new Set(['zod', 'semver', 'fastest-levenshtein', 'node:crypto'])
    const others = files
      .filter((file) => file.startsWith('src/model/'))
      .flatMap((file) => importsOf(file).map((target) => `${file} -> ${target}`))
      .filter((line) => !line.includes('-> .') && !allowed.has(line.split(' -> ')[1] ?? ''))
    assert.deepEqual(others, [])
  })

  it('no barrel but the public entries of the library, no utils, no event emitter', () => {
    const barrels = files.filter((file) => file.endsWith('/index.ts') && !publicEntries.has(file))
    const utils = files.filter((file) => /\/(utils?|helpers?|common|misc)(\.ts|\/)/.test(file))
    const emitters = files.filter((file) =>
      /\bextends EventEmitter\b|new EventEmitter\b/.test(readFileSync(file, 'utf8')),
    )
    assert.deepEqual([...barrels, ...utils, ...emitters], [])
  })

  it('no file reaches itself through imports, type imports included', () => {
    const importers = new Map(files.map((file) => [file, localImportsOf(file)]))

    assert.deepEqual(circlesIn(importers), [])
  })

  it('a folder holds at most fourteen files directly', () => {
    const folders = Map.groupBy(files, dirname)
    const crowded = [...folders]
      .filter(([folder, inside]) => folder !== 'src/cli' && inside.length > 14)
      .map(([folder, inside]) => `${folder}: ${inside.length}`)

    assert.deepEqual(crowded, [])
  })

  it('a file under 30 lines with one importer is part of that importer', () => {
    const importers = new Map<string, Set<string>>()
    for (const file of files)
      for (const target of localImportsOf(file)) importers.set(target, (importers.get(target) ?? new Set()).add(file))
    const crumbs = files.filter((file) => importers.get(file)?.size === 1 && linesOf(file) < 30 && !isNeeded(file))

    assert.deepEqual(crumbs, [])
  })

  it('heavy packages are loaded only on use', () => {
    const reached = new Set(['src/main.ts', 'src/cli/process.ts', 'src/cli/serve.ts', 'src/daemon.ts'])
    for (const file of reached)
      for (const target of eagerImportsOf(file)) if (target.startsWith('src/')) reached.add(target)
    const eager = [...reached].flatMap((file) =>
      eagerImportsOf(file)
        .filter((target) => heavy.test(target))
        .map((target) => `${file} -> ${target}`),
    )
    assert.ok(reached.size > 50)
    assert.deepEqual(eager, [])
  })
})

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').length - 1
const localImportsOf = (file: string) =>
  importsOf(file)
    .filter((target) => target.startsWith('.'))
    .map((target) => inside(file, target))
    .filter((target) => target.startsWith('src/'))

/**
 * Small files that stay: a command of the command line, a component or the texts of a page of the dashboard, a public entry, a workaround of `runtime/` (one file each), and what is imported
 * lazily (merging it would load it at the start).
 */
function isNeeded(file: string): boolean {
  if (
    file.startsWith('src/cli/') ||
    file.startsWith('src/runtime/') ||
    /^src\/ui\/(parts|texts)\//.test(file) ||
    publicEntries.has(file)
  )
    return true
  const stem = file.split('/').at(-1) ?? ''
  return files.some((other) => readFileSync(other, 'utf8').includes(`import('./${stem}')`))
}

/** The groups of files that reach themselves (Tarjan's strongly connected components of more than one file). */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []

  function visit(file: string): void {
    index.set(file, index.size)
    low.set(file, index.size - 1)
    stack.push(file)
    for (const target of graph.get(file) ?? []) {
      if (!graph.has(target)) continue
      if (!index.has(target)) {
        visit(target)
        low.set(file, Math.min(low.get(file)!, low.get(target)!))
      } else if (stack.includes(target)) low.set(file, Math.min(low.get(file)!, index.get(target)!))
    }
    if (low.get(file) !== index.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1) circles.push(circle)
  }

  for (const file of graph.keys()) if (!index.has(file)) visit(file)
  return circles
}

/** Packages that cost start time or memory: loaded only by the features that use them. */
const heavy =
  /^(@kubernetes\/|@modelcontextprotocol\/|undici$|pg$|mysql2|prom-client$|node-cron$|dns2|pino-pretty$|hono-openapi$|yaml$|chokidar$)/

/** Modules loaded together with `file`: its imports without type imports and `import()`. */
function eagerImportsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^'"()]*?\sfrom\s+)?'([^']+)'/gm)
  return [...statements].flatMap(([, target]) => (target?.startsWith('.') ? inside(file, target) : (target ?? [])))
}
