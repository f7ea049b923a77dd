import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { temporary, until } from '../e2e/daemon-process.ts'
import { freePort } from '../programs.ts'
import { running } from './command-runner.ts'
import { definition, openWorld, program, sidecar, waiting } from './sidecar.ts'

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
