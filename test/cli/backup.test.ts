import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { temporary, until } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'
import { running } from './command-runner.ts'

const sources = 'sources: [{ type: agents }]\n'
const weather = { name: 'weather', url: 'http://weather.example/mcp', health_check: 'none' }

describe('backup and restore', () => {
  it('copy registrations beside a running daemon and restore them under it', async () => {
    using folder = temporary()
    await using daemon = await startHere(sources, { folder })
    const env = { DATABASE_URL: folder.at('state', 'roster.db'), HOME: folder.path }
    const file = folder.at('today.backup')
    await daemon.ask('POST', '/servers', weather)

    const saved = await running(['backup', file], { env })
    await daemon.ask('DELETE', '/servers/weather')
    await daemon.ask('POST', '/servers', { ...weather, name: 'maps' })
    const refused = await running(['restore', file], { env })
    const forced = await running(['restore', file, '--force'], { env })

    assert.deepEqual([saved.code, saved.out], [0, `1 registration written to ${file}\n`])
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual([refused.code, refused.err.includes('--force')], [1, true])
    assert.deepEqual([forced.code, forced.out], [0, `1 registration restored from ${file}\n`])
    await until(async () => (await daemon.ask('GET', '/servers/maps')).status === 404)
    assert.equal((await daemon.ask('GET', '/servers/weather')).status, 200)
  })

  it('replace the target of a symbolic link and refuse anything but a regular file', async () => {
    using folder = temporary()
    const env = { DATABASE_URL: folder.at('state', 'roster.db'), HOME: folder.path }
    await using _ = await startHere(sources, { folder })
    const [real, link, fifo] = [folder.at('real.backup'), folder.at('latest.backup'), folder.at('fifo')]
    writeFileSync(real, 'yesterday')
    symlinkSync(real, link)
    execFileSync('mkfifo', [fifo])

    const [linked, toFifo, toFolder] = await Promise.all(
      [link, fifo, folder.path].map((file) => running(['backup', file, '--force'], { env })),
    )

    assert.equal(linked?.code, 0, linked?.err)
    assert.ok(lstatSync(link).isSymbolicLink())
    assert.match(readFileSync(real, 'utf8'), /mcp-roster backup/)
    for (const [file, answer] of [
      [fifo, toFifo],
      [folder.path, toFolder],
    ] as const)
      assert.deepEqual([answer?.code, answer?.err], [1, `${file} is not a regular file, and is not replaced\n`])
    assert.ok(lstatSync(fifo).isFIFO())
  })

  it('write to standard output for "-", and over an existing file only with --force', async () => {
    using folder = temporary()
    await using daemon = await startHere(sources, { folder })
    const env = { DATABASE_URL: folder.at('state', 'roster.db'), HOME: folder.path }
    const file = folder.at('today.backup')
    await daemon.ask('POST', '/servers', weather)

    const { code, out, err } = await running(['backup', '-'], { env })
    assert.deepEqual([code, err], [0, '1 registration written to standard output\n'])
    writeFileSync(file, out)
    const refused = await running(['backup', file], { env })
    assert.deepEqual([refused.code, refused.err.includes('--force')], [1, true])
    assert.equal(readFileSync(file, 'utf8'), out)
    assert.equal((await running(['backup', file, '--force'], { env })).code, 0)
    await daemon.ask('DELETE', '/servers/weather')

    assert.equal((await running(['restore', file], { env })).code, 0)
    await until(async () => (await daemon.ask('GET', '/servers/weather')).status === 200)
  })

  it('report a failure in one line and change nothing', async () => {
    using folder = temporary()
    const env = { DATABASE_URL: folder.at('roster.db'), HOME: folder.path }
    const file = folder.at('a.backup')
    const said = async (...argv: readonly string[]) => {
      const { code, err } = await running(argv, { env })
      assert.deepEqual([code, err.trim().split('\n').length], [1, 1], err)
      return err
    }

    assert.match(await said('backup', file), /no store found at/)
    assert.match(await said('restore', file), /a\.backup does not exist/)
    writeFileSync(file, 'garbage\n')
    assert.match(await said('restore', file), /is not a backup of a supported version/)
    assert.equal((await running(['import'], { env })).code, 2)
    env.DATABASE_URL = ':memory:'
    assert.match(await said('backup', file), /exists only inside the daemon/)
    assert.equal(readFileSync(file, 'utf8'), 'garbage\n')
  })

  it('name the missing folder instead of the temporary file inside it', async () => {
    using folder = temporary()
    const env = { DATABASE_URL: folder.at('state', 'roster.db'), HOME: folder.path }
    await using _ = await startHere(sources, { folder })

    const { code, err } = await running(['backup', folder.at('nowhere', 'a.backup')], { env })

    assert.deepEqual([code, err], [1, `${folder.at('nowhere')} does not exist\n`])
  })
})
