import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { temporary } from '../e2e/daemon-process.ts'

/** Names that src imports lazily from packages: package and names. */
function takenByName(): Map<string, Set<string>> {
  const taken = new Map<string, Set<string>>()
  for (const file of globSync('src/**/*.ts')) {
    const found = readFileSync(file, 'utf8').matchAll(/\{([^{}]+)\} = await import\('([^'.][^']*)'\)/g)
    for (const [, names = '', name = ''] of found) {
      if (name.startsWith('node:')) continue
      const set = taken.get(name) ?? new Set()
      for (const one of names.split(',')) set.add((one.split(':')[0] ?? '').trim())
      taken.set(name, set)
    }
  }
  return taken
}

describe('the bundle', () => {
  it('bundle provides every name that is imported lazily, also from CommonJS packages', async () => {
    using folder = temporary()
    const taken = takenByName()
    assert.ok(taken.size > 3)
    const entries = [...taken.keys()].map((name) => `${JSON.stringify(name)}: () => import(${JSON.stringify(name)})`)
    await build({
      stdin: { contents: `export const load = { ${entries.join(', ')} }`, resolveDir: process.cwd() },
      outdir: folder.path,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      // As in config/build.ts.
      banner: {
        js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
      },
      logLevel: 'silent',
    })
    const { load } = (await import(pathToFileURL(folder.at('stdin.mjs')).href)) as {
      load: Record<string, () => Promise<object>>
    }

    for (const [name, names] of taken) {
      const there = await load[name]?.()
      for (const one of names) assert.ok(there && one in there, `${one} of ${name} is undefined in the bundle`)
    }
  })
})
