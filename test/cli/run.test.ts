import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { commands } from '../../src/cli/run.ts'
import { running } from './command-runner.ts'

describe('the command line', () => {
  it('prints help for itself and for each command', async () => {
    const all = await running(['--help'])

    assert.equal(all.code, 0)
    for (const name of Object.keys(commands)) {
      const { code, out } = await running([name, '--help'])

      assert.match(all.out, new RegExp(`^  ${name} `, 'm'))
      assert.equal(code, 0)
      assert.match(out, new RegExp(`Usage: mcp-roster ${name} `))
      assert.equal((await running(['help', name])).out, out)
    }
  })

  it('documents every option of every command', async () => {
    for (const [name, load] of Object.entries(commands)) {
      const { options, help } = await load()
      const documented = help.map(([option]) => option).join(' ')

      for (const option of Object.keys(options)) assert.ok(documented.includes(`--${option}`), `${name} --${option}`)
    }
  })

  it('prints its version', async () => {
    for (const flag of ['--version', '-V', 'version']) assert.match((await running([flag])).out, /^\d+\.\d+\.\d+\n$/)
  })

  for (const [argv, expected] of [
    [['lsit'], /unknown command "lsit"; did you mean "list"\?/],
    [['__proto__'], /unknown command "__proto__"/],
    [['list', '--foo'], /Unknown option '--foo'\. See mcp-roster list --help\./],
    [['list', '-o', 'xml'], /-o must be one of table, wide, name, json, yaml/],
    [['list', '--url', 'nonsense'], /--url must be a URL/],
    ...(['list', 'watch', 'export'] as const).map(
      (name) => [[name, 'tag=geo'], /Unexpected argument 'tag=geo'/] as const,
    ),
    [['get'], /get needs the name of exactly one server/],
    [['config', 'shw'], /config needs one of: show, reference, schema/],
    [['discover'], /discover needs the name of exactly one source/],
    [['serve', '--port'], /argument missing/],
    [['serve', '--port', '99999'], /flag --port: listen\.port: must be at most 65535/],
    [['serve', '--log-level', 'loud'], /flag --log-level: log\.level: must be one of/],
  ] as const) {
    it(`answers wrong usage with exit code 2: ${argv.join(' ')}`, async () => {
      const { code, out, err } = await running(argv)

      assert.deepEqual([code, out], [2, ''])
      assert.match(err, expected)
    })
  }
})
