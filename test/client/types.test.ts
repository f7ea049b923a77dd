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

const agentProgram = `
import * as z from 'zod'
import { createAgent, type Injectable, meshAgent } from './types/client/agent/index.js'
const agent = createAgent<{ clock: (args: { zone: string }) => { hour: number } }>({ id: 'greeter' })
agent.tool('greet', {
  schema: z.object({ who: z.string(), times: z.number().default(1) }),
  dependencies: ['clock', { capability: 'auth', as: 'login', required: true }, { capability: 'log', tags: ['+fast'] }],
}, async ({ who, times }, { clock, login, log }, { mcpReq }) => {
  const text: string = who.repeat(times)
  // @ts-expect-error there may be no provider
  await clock({ zone: 'UTC' })
  // @ts-expect-error it has other arguments
  await clock?.({ zone: 1 })
  const hour: number | undefined = (await clock?.({ zone: 'UTC' }, { signal: mcpReq.signal, timeoutMs: 100 }))?.hour
  const answer: unknown = await login({ any: 'arguments' })
  const optional: Injectable<(args?: Record<string, unknown>) => unknown> | null = log
  return { text, hour, answer, provider: optional?.provider?.agent_id }
})
// @ts-expect-error it is not declared as a dependency
agent.tool('other', { dependencies: ['clock'] }, (_args, { login }) => login)
// @ts-expect-error an agent needs an id
createAgent({})
export class Files {
  @meshAgent({ capabilities: ['read'], dependencies: ['auth'], schema: z.object({ path: z.string() }) })
  async read({ path }: { path: string }, { auth }: { auth?: unknown } = {}) {
    return [path, auth]
  }
}
export const shout: Promise<string> = meshAgent({ schema: z.object({ text: z.string() }) },
  async ({ text }: { text: string }) => text.toUpperCase())({ text: 'hello' })
`

describe('the types of the library', () => {
  it('are emitted by the build and reject wrong programs, also those of agents', async () => {
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

    writeFileSync(folder.at('agent.ts'), agentProgram)
    const node = [
      '--lib',
      'es2024,esnext.disposable,esnext.decorators',
      '--moduleResolution',
      'bundler',
      '--types',
      'node',
    ]
    const agent = await run(compiler, [...strict, ...node, folder.at('agent.ts')]).catch((error) => error)
    assert.equal(agent.stdout, '')
  })
})
