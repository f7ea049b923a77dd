import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { createCommandProbe } from '../../../../src/health/probes/commands/command-probe.ts'
import { groupUsage } from '../../../../src/health/probes/commands/process-group.ts'
import type { Server } from '../../../../src/model/server.ts'
import { server } from '../../../builders.ts'
import { temporary, until } from '../../../e2e/daemon-process.ts'

const limits = { interval: 300, timeout: 20, max_concurrency: 2, max_memory_mb: 512 }

function createProber(given: Partial<typeof limits> = {}) {
  const now = () => performance.now()
  const loadClient = () => import('@modelcontextprotocol/client')
  const probe = createCommandProbe({ now, limits: () => ({ ...limits, ...given }), loadClient })
  return (one: Server, signal = new AbortController().signal) => probe(one, signal)
}

const command = (fields: object): Server => server({ url: undefined, type: 'stdio', ...fields })

/** A command that runs this script of JavaScript; `pidFile` gets its process id first. */
function script(text: string, { pidFile = '', ...fields }: { pidFile?: string; env?: Record<string, string> } = {}) {
  const noted = pidFile === '' ? '' : `require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));`
  return command({ command: process.execPath, args: ['-e', noted + text], ...fields })
}

/** Whether no process of the group is left. */
async function isEmpty(pidFile: string): Promise<boolean> {
  const usage = await groupUsage(Number(readFileSync(pidFile, 'utf8')))
  return usage?.processes === 0
}

const everything = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
const floodLines = 'const b = "no message\\n".repeat(5000); const w = () => process.stdout.write(b, w); w()'
const floodBytes = 'const b = Buffer.alloc(65536, 120); const w = () => process.stdout.write(b, w); w()'
const grow = 'const all = []; setInterval(() => all.push(Buffer.alloc(20e6, 1)), 20)'
const ignoring = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'

describe('the probe of a command', () => {
  it("learns what npm's server-everything lists, and leaves no process", async () => {
    const outcome = await createProber()(command({ command: process.execPath, args: [everything, 'stdio'] }))

    const namesOf = (kind: string) => outcome.capabilities?.filter((one) => one.kind === kind).map(({ name }) => name)
    assert.deepEqual([outcome.ok, outcome.reason, outcome.protocol_version], [true, 'ok', '2025-11-25'])
    assert.ok(namesOf('tool')?.includes('echo'))
    assert.ok(namesOf('prompt')?.includes('simple-prompt'))
    assert.ok((namesOf('resource')?.length ?? 0) > 0)
  })

  for (const [title, text, reason, given] of [
    ['exits at once', 'process.exit(3)', 'command_failed', {}],
    ['writes lines without end', floodLines, 'not_mcp', {}],
    ['writes bytes without end', floodBytes, 'command_failed', {}],
    ['ignores SIGTERM and says nothing', ignoring, 'timeout', { timeout: 1 }],
    ['writes garbage and waits', `console.log("hello"); ${ignoring}`, 'not_mcp', { timeout: 1 }],
    ['takes memory without end', grow, 'command_failed', { max_memory_mb: 150 }],
    [
      'forks without end',
      'setInterval(() => require("child_process").spawn("sleep", ["300"]), 1)',
      'command_failed',
      {},
    ],
    [
      'leaves a child that holds its output',
      'require("child_process").spawn("sleep", ["300"], { stdio: "inherit" }); process.exit()',
      'command_failed',
      {},
    ],
  ] as const) {
    it(`ends a command that ${title}, with its whole process group`, async () => {
      using folder = temporary()
      const pidFile = folder.at('pid')

      const outcome = await createProber(given)(script(text, { pidFile }))

      assert.deepEqual([outcome.ok, outcome.reason], [false, reason])
      assert.ok(await until(() => isEmpty(pidFile)))
    })
  }

  it('fails for a command that does not exist', async () => {
    const missing = command({ command: '/nowhere/server' })
    const nowhere = command({ command: process.execPath, cwd: '/nowhere' })

    assert.equal((await createProber()(missing)).reason, 'command_failed')
    assert.equal((await createProber()(nowhere)).reason, 'command_failed')
  })

  it('gives the command a bare environment and its own variables, and no folder of the daemon', async () => {
    using folder = temporary()
    const note = `require('fs').writeFileSync(${JSON.stringify(folder.at('seen'))}, JSON.stringify([process.cwd(), process.env]))`
    process.env['ROSTER_TEST_SECRET'] = 'c4nary'

    await createProber()(script(note, { env: { API_KEY: 'its own' } }))
    delete process.env['ROSTER_TEST_SECRET']

    const [cwd, env] = JSON.parse(readFileSync(folder.at('seen'), 'utf8')) as [string, Record<string, string>]
    assert.equal(cwd, '/')
    assert.equal(env['API_KEY'], 'its own')
    const names = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TZ', 'API_KEY', 'PWD', 'OLDPWD', 'SHLVL', '_'])
    assert.deepEqual(
      Object.keys(env).filter((name) => !names.has(name)),
      [],
    )
  })

  it('runs no more commands at once than allowed', async () => {
    using folder = temporary()
    const overlap = (index: number) => `
      const fs = require('fs'), files = ${JSON.stringify(folder.path)}
      fs.writeFileSync(files + '/running-${index}', '')
      fs.writeFileSync(files + '/seen-${index}', String(fs.readdirSync(files).filter((name) => name.startsWith('running')).length))
      setTimeout(() => { fs.rmSync(files + '/running-${index}'); process.exit() }, 50)`
    const probe = createProber({ max_concurrency: 2 })

    await Promise.all([0, 1, 2, 3, 4].map((index) => probe(script(overlap(index)))))

    const seen = [0, 1, 2, 3, 4].map((index) => Number(readFileSync(folder.at(`seen-${index}`), 'utf8')))
    assert.ok(Math.max(...seen) <= 2, seen.join())
  })

  it('a cancelled probe ends its command, and one that waits never starts', async () => {
    using folder = temporary()
    const cancel = new AbortController()
    const probe = createProber({ max_concurrency: 1 })
    const first = probe(script(ignoring, { pidFile: folder.at('first') }), cancel.signal)
    const second = probe(script('', { pidFile: folder.at('second') }), cancel.signal)
    await until(() => existsSync(folder.at('first')))

    cancel.abort()

    assert.deepEqual([(await first).ok, (await second).ok], [false, false])
    assert.ok(await until(() => isEmpty(folder.at('first'))))
    assert.equal(existsSync(folder.at('second')), false)
  })
})
