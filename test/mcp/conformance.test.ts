import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startHere } from '../daemon.ts'

const fixture = (what: string) => `calls ${what} of the suite's own example server, which a registry has no use for`

/** Scenarios of the suite that are not passed, each with its reason. One that passes after all fails the test. */
const leftOut: Readonly<Record<string, string>> = {
  'logging-set-level': 'no logging capability is declared: nothing is logged to clients',
  'completion-complete': fixture('a prompt'),
  'tools-call-simple-text': fixture('a tool'),
  'tools-call-image': fixture('a tool'),
  'tools-call-audio': fixture('a tool'),
  'tools-call-embedded-resource': fixture('a tool'),
  'tools-call-mixed-content': fixture('a tool'),
  'tools-call-with-logging': fixture('a tool'),
  'tools-call-error': fixture('a tool'),
  'tools-call-with-progress': fixture('a tool'),
  'tools-call-sampling': fixture('a tool'),
  'tools-call-elicitation': fixture('a tool'),
  'json-schema-2020-12': fixture('a tool'),
  'elicitation-sep1034-defaults': fixture('a tool'),
  'elicitation-sep1330-enums': fixture('a tool'),
  'resources-read-text': fixture('a resource'),
  'resources-read-binary': fixture('a resource'),
  'resources-templates-read': fixture('a resource'),
  'resources-subscribe':
    'revisions up to 2025-11-25 are served without sessions, so nobody could be told; not declared',
  'resources-unsubscribe': 'as resources-subscribe',
  'server-sse-polling': 'there is no session and nothing to resume: every call is answered by one JSON body',
  'server-sse-multiple-streams': 'as server-sse-polling',
  'prompts-list': 'there are no prompts, and none are declared',
  'prompts-get-simple': fixture('a prompt'),
  'prompts-get-with-args': fixture('a prompt'),
  'prompts-get-embedded-resource': fixture('a prompt'),
  'prompts-get-with-image': fixture('a prompt'),
}

const passed = ['dns-rebinding-protection', 'ping', 'resources-list', 'server-initialize', 'tools-list']

describe("the protocol's own conformance suite", () => {
  it('is passed, but for what is listed here with its reason', async () => {
    await using daemon = await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n')
    await daemon.ask('POST', '/servers', { name: 'weather', url: 'http://weather.example/mcp', health_check: 'none' })
    const baseline = daemon.folder.at('baseline.yml')
    writeFileSync(baseline, JSON.stringify({ server: Object.keys(leftOut) }))
    const suite = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'))

    const { stdout } = await promisify(execFile)(
      process.execPath,
      [suite, 'server', '--url', `${daemon.url}/mcp`, '--suite', 'all', '--expected-failures', baseline],
      { cwd: daemon.folder.path, timeout: 60_000 },
    )

    const found = [...stdout.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$/gm)]
    const isPassed = ([, , good, bad]: RegExpExecArray) => good !== '0' && bad === '0'
    const names = (some: readonly RegExpExecArray[]) => some.map(([, name = '']) => name).toSorted()
    assert.deepEqual(names(found.filter(isPassed)), passed)
    assert.deepEqual(names(found.filter((one) => !isPassed(one))), Object.keys(leftOut).toSorted())
  })
})
