import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { watchConfig } from '../../src/config/config-watcher.ts'

let folder = ''
let abort = new AbortController()

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watch-'))
})
afterEach(() => {
  abort.abort()
  abort = new AbortController()
})
after(() => rm(folder, { recursive: true }))

/** Watches a file last read as `initialText`; `changed()` resolves at the next change, `count()` counts changes. */
async function startWatch(file: string, { initialText = 'a', rescanMs = 60_000 } = {}) {
  const events = new EventTarget()
  let count = 0
  const onChange = () => {
    count += 1
    events.dispatchEvent(new Event('change'))
  }
  await watchConfig({ file, initialText, signal: abort.signal, onChange, quietMs: 20, rescanMs }).ready
  return {
    count: () => count,
    changed: () => once(events, 'change', { signal: AbortSignal.timeout(5000) }),
  }
}

describe('watchConfig', () => {
  it('reports changed content, however it was written, and nothing else', async () => {
    const file = join(folder, 'config.yaml')
    await writeFile(file, 'a')
    const { changed, count } = await startWatch(file)

    const nextWrite = changed()
    await writeFile(file, 'b')
    await nextWrite
    const nextRename = changed()
    await writeFile(`${file}.new`, 'c')
    await rename(`${file}.new`, file)
    await nextRename
    assert.equal(count(), 2)

    // A touch, the same text, removal and return change nothing. The next change proves that the events were seen.
    await utimes(file, new Date(), new Date())
    await writeFile(file, 'c')
    await rm(file)
    await writeFile(file, 'c')
    const last = changed()
    await writeFile(file, 'd')
    await last
    assert.equal(count(), 3)
  })

  it('reports a change made between the load and the start of the watch', async () => {
    const file = join(folder, 'early.yaml')
    await writeFile(file, 'b')

    const { count } = await startWatch(file, { initialText: 'a' })

    assert.equal(count(), 1)
  })

  it('follows the swap of a mounted ConfigMap', async () => {
    const mount = join(folder, 'mount')
    await mkdir(join(mount, '..one'), { recursive: true })
    await writeFile(join(mount, '..one', 'config.yaml'), 'a')
    await symlink('..one', join(mount, '..data'))
    await symlink('..data/config.yaml', join(mount, 'config.yaml'))
    const { changed, count } = await startWatch(join(mount, 'config.yaml'))

    const swapped = changed()
    await mkdir(join(mount, '..two'))
    await writeFile(join(mount, '..two', 'config.yaml'), 'b')
    await symlink('..two', join(mount, '..data_tmp'))
    await rename(join(mount, '..data_tmp'), join(mount, '..data'))
    await rm(join(mount, '..one'), { recursive: true })
    await swapped

    assert.equal(count(), 1)
  })

  it('finds a change without an event at the next rescan', async () => {
    const directory = join(folder, 'a', 'b')
    const file = join(directory, 'config.yaml')
    await mkdir(directory, { recursive: true })
    await writeFile(file, 'a')
    const { changed } = await startWatch(file, { rescanMs: 100 })

    const nextChange = changed()
    await rename(join(folder, 'a'), join(folder, 'gone'))
    await mkdir(directory, { recursive: true })
    await writeFile(file, 'b')
    await nextChange
  })
})
