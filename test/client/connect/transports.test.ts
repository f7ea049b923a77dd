import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { connectServers } from '../../../src/client/connect/index.ts'
import { startReferenceServer } from '../../health/probes/probed-servers.ts'
import { readEvents } from './event-reader.ts'
import { createServerFile } from './server-file.ts'

const everything = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
const quiet = { health_check: 'none', retry_delay: 0.02 }
const echo = (message: string) => ({ content: [{ type: 'text', text: `Echo: ${message}` }] })

describe('the public reference server', () => {
  it('is called over Streamable HTTP and over SSE, also where the definition calls that http', async (t) => {
    const streamable = await startReferenceServer(t, 'streamableHttp')
    const sse = await startReferenceServer(t, 'sse')
    await using place = await createServerFile({
      streamable: { url: `http://127.0.0.1:${streamable.port}/mcp`, ...quiet },
      sse: { url: `http://127.0.0.1:${sse.port}/sse`, type: 'sse', ...quiet },
      guessed: { url: `http://127.0.0.1:${sse.port}/sse`, ...quiet },
    })
    await using fleet = await connectServers({ roster: place.daemon.url })
    const events = readEvents(fleet)

    assert.equal(fleet.stats().connected, 3)
    for (const server of ['streamable', 'sse', 'guessed'])
      assert.deepEqual((await fleet.call('echo', { message: server }, { server })).content, echo(server).content)
    const steps: number[] = []
    const { content } = await fleet.call(
      'trigger-long-running-operation',
      { duration: 0.2, steps: 2 },
      { server: 'streamable', onProgress: ({ progress }) => void steps.push(progress) },
    )
    assert.equal(content.length, 1)
    assert.deepEqual(steps, [1, 2])
    streamable.child.kill('SIGKILL')
    await events.next('lost', 'default/streamable')
    sse.child.kill('SIGKILL')
    await events.next('lost', 'default/sse')
  })

  it('is started over stdio only where the caller says so, and started again when it dies', async () => {
    const command = { command: process.execPath, args: [everything], ...quiet }
    await using place = await createServerFile({ allowed: command, refused: command })
    await using fleet = await connectServers({ roster: place.daemon.url, stdio: ({ name }) => name === 'allowed' })
    const events = readEvents(fleet)
    assert.deepEqual(fleet.active, ['default/allowed'])
    assert.match(fleet.get('refused')?.reason ?? '', /option stdio/)

    const { content } = await fleet.call('echo', { message: 'pipe' })
    assert.deepEqual(content, echo('pipe').content)
    assert.equal(fleet.get('allowed')?.era, 'legacy')
    const [pid] = await childrenOf(everything)
    process.kill(pid!, 'SIGKILL')
    assert.equal((await events.next('lost')).reason, 'the connection was closed by the server')
    await events.next('connected')
    await fleet.close()

    assert.deepEqual(await childrenOf(everything), [])
  })
})

/** The ids of the processes that this one started with the argument. */
async function childrenOf(argument: string): Promise<number[]> {
  const { spawn } = await import('node:child_process')
  const list = spawn('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)])
  let output = ''
  list.stdout.on('data', (chunk) => (output += String(chunk)))
  await once(list, 'close')
  return output.split('\n').flatMap((line) => (line.includes(argument) ? Number(line.trim().split(' ', 1)[0]) : []))
}
