import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { temporary } from '../e2e/daemon-process.ts'

const run = promisify(execFile)
const compiler = 'node_modules/.bin/tsc'

const program = `
import { connectRoster, type RosterError } from './types/client/index.js'
const roster = connectRoster({ url: 'http://localhost:8000' })
const { servers } = await roster.list({ tag: ['geo'], status: 'healthy' })
export const names: string[] = servers.map(({ name }) => name)
// @ts-expect-error there is no such status
await roster.list({ status: 'splendid' })
export const statusOf = (error: RosterError): number => error.status
`

describe('the types of the library', () => {
  it('are emitted by the build and reject wrong programs', async () => {
    using folder = temporary()
    await run(compiler, ['-p', 'config/types.json', '--outDir', folder.at('types')])
    symlinkSync(resolve('node_modules'), folder.at('node_modules')) // For zod, which comes with the package.
    writeFileSync(folder.at('program.ts'), program)
    const strict = [
      '--ignoreConfig',
      '--strict',
      '--noEmit',
      '--skipLibCheck',
      '--target',
      'es2024',
      '--module',
      'esnext',
    ]
    // As in a browser, without the types of Node.
    const place = ['--lib', 'es2024,esnext.disposable,dom', '--moduleResolution', 'bundler', '--types', '']
    const { stdout } = await run(compiler, [...strict, ...place, folder.at('program.ts')]).catch((error) => error)
    assert.equal(stdout, '')
  })
})
