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

  it(`has every acknowledged registration, whole and once, after each of ${rounds} kills in a storm`, async () => {
    const path = join(folder, 'roster.db')
    const acknowledged = new Set<string>()
    for (let round = 0; round < rounds; round += 1) {
      for (const name of await killedAfter(500 + Math.floor(Math.random() * 1500), path, round)) acknowledged.add(name)

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

  it('has forced the disk to write between a request and its answer', async (test) => {
    if (!isInstalled('strace')) return test.skip('strace is not installed')
    const trace = join(folder, 'trace')
    const names = await killedAfter(200, join(folder, 'traced.db'), 0, [
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
    // Every batch of answers comes after a sync of its own: between two answers of one client there is always one.
    const last = new Map<string, (typeof answers)[number]>()
    for (const answer of answers) {
      const { client, n, index } = answer
      const before = last.get(client)
      // Where whoever reads is behind, an answer is tried again; its first word counts.
      if (before?.n === n) continue
      const between = lines.slice(before?.index ?? 0, index).some((line) => /f(data)?sync.*= 0/.test(line))
      assert.ok(between, `answer ${client}-${n} came without a sync`)
      last.set(client, answer)
    }
  })
})

/** Starts a writer, kills it once it acknowledged `count`, and says what it acknowledged. */
async function killedAfter(
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
    // The whole group: killing the tracer alone would let the traced go on.
    if (lines >= count && child.exitCode === null && child.signalCode === null) killGroup(child.pid!)
  })
  await ended
  return output.split('\n').slice(0, -1)
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
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
