import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startHere } from '../in-process-daemon.ts'

const fixture = (feature: string) =>
  `calls ${feature} of the example server of the suite, which a registry does not have`

/** Scenarios that fail by design, each with its reason. The test fails if one of them passes. */
const expectedFailures: Readonly<Record<string, string>> = {
  'logging-set-level': 'the logging capability is not declared',
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
    'not declared: revisions up to 2025-11-25 are served without sessions, so clients cannot be notified',
  'resources-unsubscribe': 'as resources-subscribe',
  'server-sse-polling': 'without sessions nothing can be resumed: the response of every call is one JSON body',
  'server-sse-multiple-streams': 'as server-sse-polling',
  'prompts-list': 'the prompts capability is not declared',
  'prompts-get-simple': fixture('a prompt'),
  'prompts-get-with-args': fixture('a prompt'),
  'prompts-get-embedded-resource': fixture('a prompt'),
  'prompts-get-with-image': fixture('a prompt'),
}

const expectedPasses = ['dns-rebinding-protection', 'ping', 'resources-list', 'server-initialize', 'tools-list']

describe('MCP conformance suite', () => {
  it('passes but for the listed scenarios', async () => {
    await using daemon = await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n')
    await daemon.ask('POST', '/servers', { name: 'weather', url: 'http://weather.example/mcp', health_check: 'none' })
    const baseline = daemon.folder.at('baseline.yml')
    writeFileSync(baseline, JSON.stringify({ server: Object.keys(expectedFailures) }))
    const suite = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'))

    const { stdout } = await promisify(execFile)(
      process.execPath,
      [suite, 'server', '--url', `${daemon.url}/mcp`, '--suite', 'all', '--expected-failures', baseline],
      { cwd: daemon.folder.path, timeout: 60_000 },
    )

    const results = [...stdout.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$/gm)]
    const isPassed = ([, , good, bad]: RegExpExecArray) => good !== '0' && bad === '0'
    const names = (some: readonly RegExpExecArray[]) => some.map(([, name = '']) => name).toSorted()
    assert.deepEqual(names(results.filter(isPassed)), expectedPasses)
    assert.deepEqual(names(results.filter((one) => !isPassed(one))), Object.keys(expectedFailures).toSorted())
  })
})
