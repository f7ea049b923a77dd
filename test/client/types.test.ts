import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { temporary } from '../e2e/daemon-process.ts'

const run = promisify(execFile)
const compiler = 'node_modules/.bin/tsc'

const program = `
import { connectRoster, type RosterError } from 'mcp-roster'
const roster = connectRoster({ url: 'http://localhost:8000' })
const { servers } = await roster.list({ tag: ['geo'], status: 'healthy' })
export const names: string[] = servers.map(({ name }) => name)
const part = await roster.list({ fields: ['name', 'title'] })
export const titles: (string | undefined)[] = part.servers.map(({ title }) => title)
// @ts-expect-error it was not asked for
part.servers.map(({ status }) => status)
for await (const event of roster.watch({ query: { fields: 'status' } })) {
  if (event.type === 'BOOKMARK' || event.type === 'RESYNC') continue
  print(event.server.id, event.server.status)
  // @ts-expect-error it was not asked for
  print(event.server.name, '')
}
await using following = await roster.follow({ fields: ['status'] }, { onResume: ({ exact, token }) => print(String(exact), token) })
print(following.servers.get('default/weather')?.status ?? '')
// @ts-expect-error it was not asked for
print(following.servers.get('default/weather')?.name)
function print(..._texts: string[]) {}
// @ts-expect-error there is no such status
await roster.list({ status: 'splendid' })
export const statusOf = (error: RosterError): number => error.status
`

const agentProgram = `
import * as z from 'zod'
import { createAgent, type Injectable, meshAgent } from 'mcp-roster/agent'
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

const connectProgram = `
import { connectRoster } from 'mcp-roster'
import { createAgent } from 'mcp-roster/agent'
import { connectServers, type ConnectionState, type FleetError } from 'mcp-roster/connect'
const fleet = await connectServers({ roster: connectRoster({ url: 'http://localhost:8000' }), query: { tag: ['geo'] } })
const fallback = ({ code }: FleetError) => ({ content: [{ type: 'text' as const, text: code }] })
const { content } = await fleet.call('forecast', { city: 'Bern' }, { timeoutMs: 100, fallback })
export const text: string = content[0]?.type === 'text' ? content[0].text : ''
export const state: ConnectionState | undefined = fleet.get('a')?.state
export const names: string[] = fleet.tools('openai').map(({ name }) => name)
// @ts-expect-error there is no such framework
fleet.tools('unknown')
// @ts-expect-error there is no such strategy
await connectServers({ roster: 'http://localhost:8000', strategy: 'splendid' })
for await (const event of fleet.events()) if (event.type === 'connected') console.log(event.server)
createAgent({ id: 'greeter' }).tool('greet', {}, () => 'hello')
`

const strict = ['--ignoreConfig', '--strict', '--noEmit', '--target', 'es2024']
const node = ['--lib', 'es2024,esnext.disposable,esnext.decorators', '--types', 'node']
const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler']

describe('the types of the library', () => {
  const folder = temporary()
  const library = folder.at('node_modules', 'mcp-roster')

  before(async () => {
    mkdirSync(library, { recursive: true })
    copyFileSync('package.json', join(library, 'package.json'))
    await run(compiler, ['-p', 'config/types.json', '--outDir', join(library, 'dist', 'types')])
    // What comes with the package, and its peers.
    for (const name of ['zod', '@types', '@modelcontextprotocol'])
      symlinkSync(resolve('node_modules', name), folder.at('node_modules', name))
    writeFileSync(folder.at('package.json'), '{ "type": "module" }')
  })

  after(() => folder[Symbol.dispose]())

  /** What the compiler says of a program; nothing, if it has no error. */
  async function errorsOf(text: string, options: readonly string[]): Promise<string> {
    const file = folder.at(`program-${(programs += 1)}.ts`)
    writeFileSync(file, text)
    const { stdout } = await run(compiler, [...strict, ...options, file]).catch((error) => error as { stdout: string })
    return stdout
  }
  let programs = 0

  it('reject wrong programs in a browser, without the types of Node', async () => {
    const browser = ['--lib', 'es2024,esnext.disposable,dom', '--types', '', '--skipLibCheck', ...bundler]

    assert.equal(await errorsOf(program, browser), '')
  })

  it('reject wrong programs of agents and fleets, and are sound themselves, by the rules of Node and of bundlers', async () => {
    assert.equal(
      await errorsOf(connectProgram + agentProgram.replace('createAgent, type', 'type'), [...node, ...bundler]),
      '',
    )
    assert.equal(await errorsOf(connectProgram, [...node, '--module', 'node16', '--moduleResolution', 'node16']), '')
  })
})
