import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

type Entry = { integrity?: string; resolved?: string; link?: boolean; optionalDependencies?: Record<string, string> }
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Entry> }

describe('the lockfile', () => {
  it('lockfile lists every optional dependency, which npm ci requires', () => {
    const missing = Object.entries(packages).flatMap(([name, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter(
          (dependency) =>
            !(`node_modules/${dependency}` in packages) && !(`${name}/node_modules/${dependency}` in packages),
        )
        .map((dependency) => `${name} -> ${dependency}`),
    )
    assert.ok(Object.keys(packages).length > 100)
    assert.deepEqual(missing, [])
  })

  it('lockfile has a hash for every package and no registry address', () => {
    const fetched = Object.entries(packages).filter(([name, { link }]) => name.startsWith('node_modules/') && !link)
    assert.deepEqual(
      fetched.filter(([, { integrity, resolved }]) => !integrity || resolved).map(([name]) => name),
      [],
    )
  })

  it('package.json pins dependencies to exact versions', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      string,
      Record<string, string>
    >
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^(\d+\.\d+\.\d+(-[\w.]+)?|file:.*)$/.test(version),
    )
    assert.deepEqual(loose, [])
  })
})
