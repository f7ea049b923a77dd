import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { watchConfig } from '../../src/config/config-watcher.ts'

let folder = ''
let ending = new AbortController()

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watch-'))
})
afterEach(() => {
  ending.abort()
  ending = new AbortController()
})
after(() => rm(folder, { recursive: true }))

/** Watches a file that said `known`; `changed()` resolves with the next change, `count()` says how many there were. */
async function watching(file: string, { known = 'a', rescanMs = 60_000 } = {}) {
  const events = new EventTarget()
  let count = 0
  const onChange = () => {
    count += 1
    events.dispatchEvent(new Event('change'))
  }
  await watchConfig({ file, known, signal: ending.signal, onChange, quietMs: 20, rescanMs }).ready
  return {
    count: () => count,
    changed: () => once(events, 'change', { signal: AbortSignal.timeout(5000) }),
  }
}

describe('watchConfig', () => {
  it('tells of another content, however it came, and of nothing else', async () => {
    const file = join(folder, 'config.yaml')
    await writeFile(file, 'a')
    const { changed, count } = await watching(file)

    const written = changed()
    await writeFile(file, 'b')
    await written
    const renamed = changed()
    await writeFile(`${file}.new`, 'c')
    await rename(`${file}.new`, file)
    await renamed
    assert.equal(count(), 2)

    // Touched, rewritten as it was, gone and back as it was: no news; the next change proves that they were seen.
    await utimes(file, new Date(), new Date())
    await writeFile(file, 'c')
    await rm(file)
    await writeFile(file, 'c')
    const last = changed()
    await writeFile(file, 'd')
    await last
    assert.equal(count(), 3)
  })

  it('tells of what changed after it was read and before it is watched', async () => {
    const file = join(folder, 'early.yaml')
    await writeFile(file, 'b')

    const { count } = await watching(file, { known: 'a' })

    assert.equal(count(), 1)
  })

  it('follows the swap of a mounted ConfigMap', async () => {
    const mount = join(folder, 'mount')
    await mkdir(join(mount, '..one'), { recursive: true })
    await writeFile(join(mount, '..one', 'config.yaml'), 'a')
    await symlink('..one', join(mount, '..data'))
    await symlink('..data/config.yaml', join(mount, 'config.yaml'))
    const { changed, count } = await watching(join(mount, 'config.yaml'))

    const swapped = changed()
    await mkdir(join(mount, '..two'))
    await writeFile(join(mount, '..two', 'config.yaml'), 'b')
    await symlink('..two', join(mount, '..data_tmp'))
    await rename(join(mount, '..data_tmp'), join(mount, '..data'))
    await rm(join(mount, '..one'), { recursive: true })
    await swapped

    assert.equal(count(), 1)
  })

  it('finds what no event told of by looking now and then', async () => {
    const directory = join(folder, 'a', 'b')
    const file = join(directory, 'config.yaml')
    await mkdir(directory, { recursive: true })
    await writeFile(file, 'a')
    const { changed } = await watching(file, { rescanMs: 100 })

    const later = changed()
    await rename(join(folder, 'a'), join(folder, 'gone'))
    await mkdir(directory, { recursive: true })
    await writeFile(file, 'b')
    await later
  })
})
