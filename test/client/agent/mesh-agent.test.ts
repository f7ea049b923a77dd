import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import * as z from 'zod'
import { createAgent, meshAgent, startMeshAgents } from '../../../src/client/agent/index.ts'
import { temporary, until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { callTool } from './call-tool.ts'

const config = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const run = promisify(execFile)

/** A program with a decorated method; it prints what the method answers. */
const program = `
import { meshAgent, startMeshAgents } from ${JSON.stringify(new URL('../../../src/client/agent/index.ts', import.meta.url).pathname)}
class Files {
  folder = '/srv'
  @meshAgent({ capabilities: ['file_read', 'file_list'], dependencies: ['auth_service'], health_interval: 30, agent_name: 'files' })
  async readFile({ path }, { auth_service } = {}) {
    return this.folder + path + ' for ' + (auth_service ? await auth_service() : 'anyone')
  }
}
const files = new Files()
const [agent] = await startMeshAgents()
console.log(await files.readFile({ path: '/a' }))
const { agents } = await (await fetch(process.env.MCP_MESH_REGISTRY_URL + '/agents?namespace=default')).json()
console.log(agents.find(({ name }) => name === 'files').capabilities.map(({ name, function_name }) => name + ' ' + function_name).join())
await agent.close()
`

/** The output of the program, built with the given compiler options. */
async function outputOf(
  compilerOptions: object,
  env: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  using folder = temporary()
  await build({
    stdin: { contents: program, loader: 'ts', resolveDir: '.' },
    outfile: folder.at('program.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    tsconfigRaw: { compilerOptions },
    logLevel: 'silent',
  })
  return await run(process.execPath, [folder.at('program.mjs')], { env }).catch((error) => error as never)
}

describe('meshAgent', () => {
  it('wraps a function: offered to agents, and with its dependencies where it is called directly', async () => {
    await using daemon = await startHere(config)
    await using clock = createAgent({ id: 'clock', roster: daemon.url, signals: false })
    clock.tool('now', { capability: 'clock' }, () => 7)
    await clock.start()
    const shared = {
      agent_name: 'wrapped',
      registry_endpoint: daemon.url,
      id: 'wrapped-1',
      health_interval: 0.1,
      signals: false,
    }
    const schema = z.object({ who: z.string() })

    const greet = meshAgent(
      { ...shared, capabilities: ['greeting'], dependencies: ['clock'], schema },
      async function greet({ who }: { who: string }, { clock }): Promise<string> {
        return `hello ${who} at ${String(await clock?.())}`
      },
    )
    const [agent] = await startMeshAgents()

    assert.equal(await greet({ who: 'bob' }), 'hello bob at 7')
    assert.equal(await callTool(agent?.url ?? '', 'greet', { who: 'ann' }), 'hello ann at 7')
    meshAgent(shared, function added() {
      return 'added'
    })
    await until(async () => (await daemon.ask<{ count: number }>('GET', '/agents?capability=added')).body.count === 1)
    assert.throws(() => meshAgent({ ...shared, health_interval: 9 }, () => 1), /differ in "health_interval"/)
    await agent?.close()
  })

  it('decorates a method of a program built for Node 20', async () => {
    await using daemon = await startHere(config)

    const { stdout, stderr } = await outputOf({}, { MCP_MESH_REGISTRY_URL: daemon.url })

    assert.equal(stderr, '')
    assert.deepEqual(stdout.split('\n'), ['/srv/a for anyone', 'file_read readFile,file_list readFile_file_list', ''])
  })

  it('explains what to do where experimentalDecorators are on', async () => {
    const { stderr } = await outputOf({ experimentalDecorators: true }, {})

    assert.match(stderr, /@meshAgent is a standard decorator: remove "experimentalDecorators" from the tsconfig.json/)
  })
})
