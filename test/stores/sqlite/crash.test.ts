import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { openSqlite } from '../../../src/stores/sqlite/sqlite.ts'

/** 3 in the suite, 20 in the soak. */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 3)
const writer = join(import.meta.dirname, 'writer.ts')

describe('a SQLite store whose process is killed', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'roster-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it(`has every acknowledged registration, complete and once, after each of ${rounds} kills under load`, async () => {
    const path = join(folder, 'roster.db')
    const acknowledged = new Set<string>()
    for (let round = 0; round < rounds; round += 1) {
      for (const name of await killAfter(500 + Math.floor(Math.random() * 1500), path, round)) acknowledged.add(name)

      await using store = await openSqlite({ path, log: silent })
      const { registrations } = await store.load()

      const names = new Set(registrations.map(({ name }) => name))
      assert.equal(names.size, registrations.length)
      for (const { name, definition } of registrations) assert.equal(JSON.parse(definition).name, name)
      const lost = [...acknowledged].filter((name) => !names.has(name))
      assert.deepEqual(lost, [])
    }
    assert.ok(acknowledged.size >= rounds * 500)
  })

  it('has synced the disk between a request and its response', async (test) => {
    if (!isInstalled('strace')) return test.skip('strace is not installed')
    const trace = join(folder, 'trace')
    const names = await killAfter(200, join(folder, 'traced.db'), 0, [
      'strace',
      '-f',
      '-s',
      '64',
      '-e',
      'trace=fdatasync,fsync,write',
      '-o',
      trace,
    ])
    if (names.length === 0) return test.skip('strace may not trace here')

    const lines = readFileSync(trace, 'utf8').split('\n')
    const synced = lines.findIndex((line) => /f(data)?sync\(\d+\)?.*= 0|f(data)?sync resumed.*= 0/.test(line))
    const answers = lines.flatMap((line, index) => {
      const [, client, n] = /write\(1, "0-(\d+)-(\d+)/.exec(line) ?? []
      return client === undefined ? [] : { client, n, index }
    })
    assert.ok(synced >= 0 && answers.length > 0)
    // Between two responses to one client there is always a sync.
    const last = new Map<string, (typeof answers)[number]>()
    for (const answer of answers) {
      const { client, n, index } = answer
      const before = last.get(client)
      // A response may be written repeatedly while the reader is behind; the first attempt counts.
      if (before?.n === n) continue
      const between = lines.slice(before?.index ?? 0, index).some((line) => /f(data)?sync.*= 0/.test(line))
      assert.ok(between, `answer ${client}-${n} came without a sync`)
      last.set(client, answer)
    }
  })
})

/** Starts a writer, kills it after `count` acknowledgements, and returns all that it acknowledged. */
async function killAfter(
  count: number,
  path: string,
  round: number,
  tracer: readonly string[] = [],
): Promise<string[]> {
  const [command, ...args] = [...tracer, process.execPath, writer, path, String(round)]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  let output = ''
  let lines = 0
  const ended = once(child, 'exit')
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    lines += text.split('\n').length - 1
    // The whole group: without the tracer the traced process would continue.
    if (lines >= count && child.exitCode === null && child.signalCode === null) killGroup(child.pid!)
  })
  await ended
  return output.split('\n').slice(0, -1)
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
