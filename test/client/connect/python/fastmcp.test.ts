import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { connectServers } from '../../../../src/client/connect/index.ts'
import { until } from '../../../e2e/daemon-process.ts'
import { freePort } from '../../../programs.ts'
import { pythonOf } from '../../../published/installation.ts'
import { readEvents } from '../event-reader.ts'
import { createServerFile } from '../server-file.ts'

const { python, skip } = pythonOf('3.8.0')
const script = join(import.meta.dirname, 'server.py')
const quiet = { health_check: 'none', retry_delay: 0.1 }

/** The server over HTTP, once it accepts connections. */
async function startServer(port: number) {
  const child = spawn(python, [script, 'http', String(port)], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  await until(async () => {
    assert.equal(child.exitCode, null, 'the server ended')
    return accepts(port)
  }, 30)
  async function kill(): Promise<void> {
    child.kill('SIGKILL')
    await exited
  }
  return { kill, [Symbol.asyncDispose]: kill }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

describe('a FastMCP server of Python', { skip, concurrency: true }, () => {
  it('is called over Streamable HTTP, is lost when it is killed, and is found again', async () => {
    const port = await freePort()
    await using first = await startServer(port)
    await using place = await createServerFile({ python: { url: `http://127.0.0.1:${port}/mcp`, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url, maxPauseMs: 200 })
    const events = readEvents(fleet)

    assert.deepEqual((await fleet.call('add', { first: 20, second: 1 })).structuredContent, { result: 21 })
    assert.deepEqual(
      fleet.toolList().map(({ name }) => name),
      ['python__add', 'python__process'],
    )
    const before = await fleet.call('process')
    await first.kill()
    await events.next('lost')
    await using second = await startServer(port)
    await events.next('connected')

    const after = await fleet.call('process')
    assert.notDeepEqual(after.structuredContent, before.structuredContent)
    await second.kill()
    await events.next('lost')
  })

  it('is started over stdio, ends with its process, and is started again', async () => {
    await using place = await createServerFile({ python: { command: python, args: [script, 'stdio'], ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url, stdio: () => true, connectTimeoutMs: 30_000 })
    const events = readEvents(fleet)

    assert.deepEqual((await fleet.call('add', { first: 1, second: 2 })).structuredContent, { result: 3 })
    const { result } = (await fleet.call('process')).structuredContent as { result: number }
    process.kill(result, 'SIGKILL')
    await events.next('lost')
    await events.next('connected')

    assert.notEqual(((await fleet.call('process')).structuredContent as { result: number }).result, result)
    await fleet.close()
  })
})
