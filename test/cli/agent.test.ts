import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { constants } from 'node:os'
import { describe, it } from 'node:test'
import { temporary, until } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'
import { freePort } from '../programs.ts'
import { running } from './command-runner.ts'

const definition = `# An agent that is no MCP library.
id: report-\${SUFFIX}
endpoint: http://127.0.0.1:9000/mcp
labels: { team: research }
capabilities: [{ name: report, version: 1.4.0 }, print]
health_interval: 0.05
`

/** A program that prints its process id, and what the code does with the signals. */
const program = (code: string) => [process.execPath, '-e', `process.stdout.write(process.pid + '\\n');${code}`]
const waiting = 'setInterval(() => undefined, 1000)'

/** `mcp-roster agent run` as a process; disposal ends it and its command. */
function sidecar(roster: string, file: string, command: readonly string[], options: readonly string[] = []) {
  const child = spawn(
    process.execPath,
    ['src/main.ts', 'agent', 'run', '-f', file, '--url', roster, ...options, '--', ...command],
    {
      env: { PATH: process.env['PATH'] ?? '', SUFFIX: '1', NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  const printed = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => void (printed.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => void (printed.err += chunk.toString()))
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const commandPid = async () => Number(await until(() => /^\d+$/m.exec(printed.out)?.[0]))
  return {
    child,
    exited,
    printed,
    commandPid,
    [Symbol.asyncDispose]: async () => {
      const pid = Number(/^\d+$/m.exec(printed.out)?.[0] ?? 0)
      if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL')
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function openWorld(text = definition) {
  const opened = new AsyncDisposableStack()
  const daemon = opened.use(await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n'))
  const folder = opened.use(temporary())
  const file = folder.at('agent.yaml')
  writeFileSync(file, text)
  const status = async () => (await daemon.get('/agents/report-1')).status
  return {
    daemon,
    file,
    status,
    run: (command: readonly string[]) => opened.use(sidecar(daemon.url, file, command)),
    registered: async () => await until(async () => (await status()) === 200),
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  }
}

describe('agent run', () => {
  it('registers a process while it lives, and passes its input, output and exit code on', async () => {
    await using world = await openWorld()
    const { child, exited, printed } = world.run(
      program("process.stdin.on('data', (text) => { console.log('read ' + text); process.exit(7) })"),
    )
    await world.registered()
    const { body } = await world.daemon.ask<{ capabilities: { name: string }[]; endpoint: string }>(
      'GET',
      '/agents/report-1',
    )

    child.stdin.end('words')

    assert.deepEqual(await exited, [7, null])
    assert.equal(await world.status(), 404)
    assert.match(printed.out, /read words/)
    assert.match(printed.err, /^mcp-roster: agent report-1 registered at http:/)
    assert.deepEqual(
      body.capabilities.map(({ name }) => name),
      ['report', 'print'],
    )
    assert.equal(body.endpoint, 'http://127.0.0.1:9000/mcp')
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGALRM'] as const) {
    it(`passes ${signal} on, and answers with 128 and its number where the process ends by it`, async () => {
      await using world = await openWorld()
      const { child, exited, commandPid } = world.run(program(waiting))
      const pid = await commandPid()
      await world.registered()

      child.kill(signal)

      assert.deepEqual(await exited, [128 + constants.signals[signal], null])
      assert.equal(isAlive(pid), false)
      assert.equal(await world.status(), 404)
    })
  }

  it('passes all other signals on that a process may be sent, and goes on', async () => {
    await using world = await openWorld()
    const signals = ['USR1', 'USR2', 'ALRM', 'QUIT', 'WINCH', 'CONT', 'TTIN', 'TTOU', 'URG', 'IO', 'ABRT', 'XCPU']
    const traps = signals.map((name) => `trap 'echo got ${name}' ${name}`).join('; ')
    const { child, exited, printed } = world.run([
      'sh',
      '-c',
      `echo $$; ${traps}; while :; do read -r line && exit 4; done`,
    ])
    await world.registered()

    for (const name of signals) {
      child.kill(`SIG${name}` as NodeJS.Signals)
      await until(() => printed.out.includes(`got ${name}`))
    }
    child.stdin.end('end\n')

    assert.deepEqual(await exited, [4, null])
    assert.doesNotMatch(printed.err, /Debugger/)
  })

  it('is suspended and resumed with its process', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
    await using world = await openWorld(`${definition}timeout_threshold: 1\n`)
    const { child, commandPid } = world.run(program(waiting))
    const pids = [await commandPid(), child.pid ?? 0]
    await world.registered()
    const states = () => pids.map((pid) => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]).join('')

    for (let round = 0; round < 2; round++) {
      child.kill('SIGTSTP')
      await until(() => states() === 'TT')
      await until(async () => (await world.daemon.ask('GET', '/agents/report-1')).body['status'] === 'unhealthy')
      child.kill('SIGCONT')
      await until(() => !states().includes('T'))
      await until(async () => (await world.daemon.ask('GET', '/agents/report-1')).body['status'] === 'healthy')
    }
  })

  it('waits for a process that ends in its own time', async () => {
    await using world = await openWorld()
    const { child, exited, printed } = world.run(
      program(
        `process.on('SIGTERM', () => { console.log('asked'); process.stdin.once('data', () => process.exit(3)) });${waiting}`,
      ),
    )
    await world.registered()

    child.kill('SIGTERM')
    await until(() => printed.out.includes('asked'))
    assert.equal(await world.status(), 200)
    child.stdin.end('now')

    assert.deepEqual(await exited, [3, null])
  })

  it('ends a lease by silence where it is killed, and leaves the process alone', async () => {
    await using world = await openWorld(`${definition}timeout_threshold: 1\n`)
    const { child, exited, commandPid } = world.run(program(waiting))
    const pid = await commandPid()
    await world.registered()

    child.kill('SIGKILL')
    await until(async () => (await world.daemon.ask('GET', '/agents/report-1')).body['status'] === 'unhealthy')

    assert.equal(isAlive(pid), true)
    process.kill(pid, 'SIGKILL')
    await exited
  })

  it('runs the command where no roster answers', async () => {
    using folder = temporary()
    writeFileSync(folder.at('agent.yaml'), definition)
    await using run = sidecar(
      `http://127.0.0.1:${await freePort()}`,
      folder.at('agent.yaml'),
      program("console.log('done')"),
    )

    assert.deepEqual(await run.exited, [0, null])
    assert.match(run.printed.out, /done/)
  })

  it('sends heartbeats only while the health URL answers with success', async () => {
    let isWell = false
    await using health = createServer((_request, response) => response.writeHead(isWell ? 204 : 503).end())
    health.listen(0, '127.0.0.1')
    await once(health, 'listening')
    const { port } = health.address() as { port: number }
    await using world = await openWorld(`${definition}health_url: http://127.0.0.1:${port}/\n`)
    const { printed } = world.run(program(waiting))

    await until(() => /report-1 is unwell: the check failed: .*answered 503/.test(printed.err))
    assert.equal(await world.status(), 404)
    isWell = true
    await world.registered()
    isWell = false
    await until(() => printed.err.match(/is unwell/g)?.length === 2)
  })

  it('says that a command does not exist, with the exit code of a shell', async () => {
    await using world = await openWorld()
    const { exited, printed } = world.run(['no-such-command'])

    assert.deepEqual(await exited, [127, null])
    assert.match(printed.err, /mcp-roster: no command "no-such-command"/)
  })

  for (const [name, text, problem] of [
    ['an unknown key', 'id: a\nlable: {}\n', /agent\.yaml:2: lable: unknown setting; did you mean "labels"\?/],
    ['a missing id', 'name: a\n', /agent\.yaml:1: id: /],
    ['a wrong type', 'id: a\ntags:\n  - one\n  - [two]\n', /agent\.yaml:4: tags\[1\]: /],
    [
      'a wrong function',
      'id: a\ntools:\n  - { function_name: f }\n  - { capability: b }\n',
      /agent\.yaml:4: tools\[1\]\.function_name: is needed/,
    ],
    ['no YAML', 'id: [\n', /agent\.yaml:\d: invalid YAML/],
    ['a variable that is not set', 'id: a-${MISSING}\n', /agent\.yaml:1: id: environment variable MISSING is not set/],
  ] as const) {
    it(`names the line of ${name}, and runs nothing`, async () => {
      using folder = temporary()
      writeFileSync(folder.at('agent.yaml'), text)

      const { code, err } = await running(['agent', 'run', '-f', folder.at('agent.yaml'), '--', 'no-such-command'])

      assert.equal(code, 1)
      assert.match(err, problem)
    })
  }

  it('takes the example', async () => {
    const command = ['agent', 'run', '-f', 'config/examples/agent.yaml', '--url', 'http://127.0.0.1:9', '--']

    const { code, err } = await running([...command, process.execPath, '-e', '0'])

    assert.deepEqual([code, err.includes('agent.yaml')], [0, false])
  })

  it('says how it is used', async () => {
    const cases = [
      [['agent'], /agent needs "run"/],
      [['agent', 'run', '--', 'true'], /needs the definition of the agent/],
      [['agent', 'run', '-f', 'agent.yaml'], /needs a command after "--"/],
      [['agent', 'run', '-f', '/no/such.yaml', '--', 'true'], /cannot read \/no\/such\.yaml/],
    ] as const
    for (const [argv, message] of cases) {
      const { code, err } = await running(argv)
      assert.ok(code > 0)
      assert.match(err, message)
    }
  })
})
