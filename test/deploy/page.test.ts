import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'

const page = readFileSync('deploy/README.md', 'utf8')
const matchesOf = (pattern: RegExp) => [...new Set([...page.matchAll(pattern)].map(([, word = '']) => word))]

/** Whether a value exists at a dotted path. */
function has(value: unknown, path: string): boolean {
  return path.split('.').every((key) => {
    if (typeof value !== 'object' || value === null || !(key in value)) return false
    value = (value as Record<string, unknown>)[key]
    return true
  })
}

describe('the page for operators', () => {
  it('operators page names only existing files', () => {
    const links = matchesOf(/\]\(([^)]+)\)/g)
    const paths = matchesOf(/(deploy\/[\w./-]+\w)/g)
    assert.ok(links.length > 5 && paths.length > 5)
    for (const link of links) assert.ok(existsSync(`deploy/${link}`), link)
    for (const path of paths)
      assert.ok(existsSync(path.replace('ci/$mode', 'ci/sidecar')) || path.endsWith('/ci'), path)
  })

  it('operators page sets only existing chart values', () => {
    const values: unknown = parse(readFileSync('deploy/helm/mcp-roster/values.yaml', 'utf8'))
    const set = matchesOf(/--set ([\w.]+)=/g)
    assert.ok(set.length > 5)
    assert.deepEqual(
      set.filter((path) => !has(values, path)),
      [],
    )
  })

  it('operators page uses only existing commands', () => {
    const { stdout } = spawnSync(process.execPath, ['src/main.ts', 'help'], { encoding: 'utf8' })
    const commands = matchesOf(/(?:-- |`)mcp-roster ([a-z]+)/g)
    assert.ok(commands.includes('backup'))
    for (const command of commands) assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'))
  })

  it('operators page shows how each plain manifest is rendered', () => {
    const made = /for mode in (.+); do/.exec(page)?.[1]?.split(' ') ?? []
    const files = globSync('*.yaml', { cwd: 'deploy/kubernetes' }).filter((file) => file !== 'namespace.yaml')
    assert.deepEqual([...made, 'monitoring'].map((mode) => `${mode}.yaml`).toSorted(), files.toSorted())
    assert.match(page, /> deploy\/kubernetes\/monitoring\.yaml/)
  })
})

describe('everything in deploy/', () => {
  it('deploy files name the current version', () => {
    for (const file of globSync('deploy/**/*', { withFileTypes: true }).filter((entry) => entry.isFile())) {
      const text = readFileSync(`${file.parentPath}/${file.name}`, 'utf8')
      assert.doesNotMatch(text, /:latest\b/, file.name)
    }
  })
})
