import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPathFilter, parsePathPattern } from '../../../src/sources/file/path-patterns.ts'

describe('a path pattern', () => {
  const bases: [path: string, base: string, isGlob: boolean][] = [
    ['/etc/mcp', '/etc/mcp', false],
    ['/etc/mcp/a.yaml', '/etc/mcp/a.yaml', false],
    ['/etc/mcp/*.yaml', '/etc/mcp', true],
    ['/etc/{a,b}/c.yaml', '/etc', true],
    ['/*.yaml', '/', true],
    ['**/*.yaml', '.', true],
  ]
  for (const [path, base, isGlob] of bases)
    it(`${path} begins at ${base}`, () => {
      assert.deepEqual(parsePathPattern(path, 3), { path, base, isGlob, rank: 3 })
    })
})

describe('the path filter of the file watcher', () => {
  const file = { isFile: () => true }
  const directory = { isFile: () => false }
  const filter = (paths: readonly string[], recursive = false) =>
    createPathFilter(paths.map(parsePathPattern), { recursive })

  const cases: [
    title: string,
    filter: ReturnType<typeof filter>,
    path: string,
    stats: typeof file,
    matters: boolean,
  ][] = [
    ['passes a document of a folder', filter(['/m']), '/m/a.yaml', file, true],
    ['passes the folder itself', filter(['/m/n']), '/m/n', directory, true],
    ['ignores other files', filter(['/m']), '/m/a.txt', file, false],
    ['ignores what an editor leaves behind', filter(['/m']), '/m/a.yaml~', file, false],
    ['ignores folders of a folder that is not recursive', filter(['/m']), '/m/n', directory, false],
    ['ignores documents too deep for a folder that is not recursive', filter(['/m']), '/m/n/a.yaml', file, false],
    ['passes folders of a recursive folder', filter(['/m'], true), '/m/n', directory, true],
    ['passes documents below a recursive folder', filter(['/m'], true), '/m/n/o/a.yaml', file, true],
    ['ignores documents in a hidden folder', filter(['/m'], true), '/m/.git/a.yaml', file, false],
    ['passes the swap link of a Kubernetes mount', filter(['/m']), '/m/..data', directory, true],
    ['ignores the dated folders of a Kubernetes mount', filter(['/m'], true), '/m/..2026_01_01', directory, false],
    ['ignores the files behind a swap link', filter(['/m'], true), '/m/..data/a.yaml', file, false],
    ['passes what a glob matches', filter(['/m/*/*.conf']), '/m/n/a.conf', file, true],
    ['passes folders that a glob reaches into', filter(['/m/*/*.conf']), '/m/n', directory, true],
    ['ignores documents that a glob does not match', filter(['/m/*/*.conf']), '/m/n/a.yaml', file, false],
    ['passes a path that one of two patterns reaches', filter(['/m', '/m/n/*.yaml']), '/m/n/a.yaml', file, true],
  ]
  for (const [title, matters, path, stats, expected] of cases)
    it(title, () => assert.equal(matters(path, stats), expected))
})
