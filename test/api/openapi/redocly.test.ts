import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

type Problem = { readonly ruleId: string; readonly message: string; readonly location: { readonly pointer?: string }[] }

/** What `redocly lint` finds in a file with its recommended rules. */
async function lint(file: string): Promise<string[]> {
  const output = await promisify(execFile)(
    process.execPath,
    ['node_modules/@redocly/cli/bin/cli.js', 'lint', file, '--format=json', '--max-problems=50'],
    { env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
  ).catch((error: { stdout: string; stderr: string }) => error)
  const { problems } = JSON.parse(output.stdout) as { problems: readonly Problem[] }
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`)
}

describe('config/openapi.json', () => {
  it('passes redocly lint without a warning', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'roster-openapi-'))
    try {
      const broken = join(folder, 'broken.json')
      await writeFile(broken, JSON.stringify({ openapi: '3.1.0', info: { title: 'x', version: '1' }, paths: {} }))
      assert.ok((await lint(broken)).length > 0, 'redocly finds what is wrong')
    } finally {
      await rm(folder, { recursive: true })
    }
    assert.deepEqual(await lint('config/openapi.json'), [])
  })
})
