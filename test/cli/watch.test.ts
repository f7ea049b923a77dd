import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { bookmark, breakingAfter, event, refusing, scripted, telling } from '../client/stream.ts'
import { until } from '../e2e/daemon-process.ts'
import { running } from './command-runner.ts'

/** Runs `watch` until it has written `lines` lines. */
async function watching(url: string, lines: number, ...args: readonly string[]) {
  const ending = new AbortController()
  let out = ''
  const ran = running(['watch', '--url', url, ...args], {
    signal: ending.signal,
    onOut: (text) => {
      out += text
      if (out.split('\n').length > lines) ending.abort()
    },
  })
  return ran
}

describe('mcp-roster watch', () => {
  it('prints one line per change in the requested format, control characters escaped', async () => {
    const script = telling(
      event('ADDED', { name: 'weather', url: 'http://x/mcp', status: 'healthy' }),
      bookmark('e-1'),
      event('ADDED', { name: 'a\u001B[2J', namespace: 'team' }, 'e-2'),
      event('DELETED', { name: 'weather' }, 'e-3'),
    )
    await using daemon = await scripted(script)

    const table = await watching(daemon.url, 3)
    const names = await watching(daemon.url, 3, '-o', 'name')
    const json = await watching(daemon.url, 4, '-o', 'json', '--tag', 'geo', '-n', 'team', '-l', 'a=b')

    assert.deepEqual([table.code, names.code, json.code], [0, 0, 0])
    assert.match(
      table.out,
      /^ADDED {5}weather {25}  ● healthy {4}http {3}http:\/\/x\/mcp\nADDED {5}team\/a\\u001b\[2J .*\nDELETED {3}weather .* - gone/,
    )
    assert.equal(names.out, 'ADDED weather\nADDED team/a\\u001b[2J\nDELETED weather\n')
    const events = json.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; token?: string })
    assert.deepEqual(
      events.map(({ type, token }) => `${type} ${token}`),
      ['ADDED undefined', 'BOOKMARK e-1', 'ADDED e-2', 'DELETED e-3'],
    )
    assert.equal(daemon.requests.at(-1)?.url, '/servers/watch?namespace=team&label_selector=a%3Db&tag=geo')
  })

  it('reports a lost daemon and continues after its return', async () => {
    await using daemon = await scripted(
      breakingAfter('retry: 1\n\n', bookmark('e-1')),
      telling(event('ADDED', { name: 'weather' }, 'e-2')),
    )

    const { code, out, err } = await watching(daemon.url, 1, '-o', 'name')

    assert.deepEqual([code, out], [0, 'ADDED weather\n'])
    assert.match(err, /^(connection to|http:).*; retry in 1 s\n$/)
  })

  it('fails where no daemon answers or the daemon refuses', async () => {
    await using strict = await scripted(refusing(401, 'Authentication required'))

    const none = await running(['watch', '--url', 'http://127.0.0.1:59'])
    const refused = await running(['watch', '--url', strict.url])

    assert.equal(none.code, 1)
    assert.match(none.err, /^no daemon answers at .*: connection refused\. Start one with/)
    assert.deepEqual(
      [refused.code, refused.err],
      [1, 'Authentication required (the token comes from MCP_ROSTER_TOKEN)\n'],
    )
  })

  it('waits for a slow reader of its output', async () => {
    await using daemon = await scripted(
      telling(event('ADDED', { name: 'a' }), event('ADDED', { name: 'b' }), bookmark('e-1')),
    )
    const ending = new AbortController()
    let reader = Promise.withResolvers<void>()
    const printed: string[] = []
    const ran = running(['watch', '-o', 'name', '--url', daemon.url], {
      signal: ending.signal,
      onOut: (text) => void printed.push(text),
      drained: () => reader.promise,
    })

    const seen: (string | undefined)[] = []
    for (let round = 0; round < 2; round += 1) {
      while (printed.length <= round) await setImmediate()
      // Long enough for another write if the command did not wait.
      for (let turn = 0; turn < 20; turn += 1) await setImmediate()
      seen.push(printed.at(-1))
      const { resolve } = reader
      reader = Promise.withResolvers()
      resolve()
    }
    ending.abort()
    reader.resolve()

    assert.equal((await ran).code, 0)
    assert.deepEqual(seen, ['ADDED a\n', 'ADDED b\n'])
  })

  it('exits with 0 on Ctrl-C and on a closed pipe', async () => {
    await using daemon = await scripted((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(bookmark('e-0'))
      let at = 0
      const timer = setInterval(() => response.write(event('ADDED', { name: 'a' }, `e-${++at}`)), 5)
      response.once('close', () => clearInterval(timer))
    })
    const args = ['src/main.ts', 'watch', '-o', 'json', '--url', daemon.url]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await until(() => out.includes('ADDED'))
    child.kill('SIGINT')
    assert.deepEqual(await exited, [0, null])

    const command = `"${process.execPath}" ${args.join(' ')} | head -1; echo "\${PIPESTATUS[0]}"`
    const { stdout } = await promisify(execFile)('bash', ['-c', command])
    assert.match(stdout, /^\{"type":"BOOKMARK".*\n0\n$/)
  })
})
