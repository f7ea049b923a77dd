import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { startMcp, text } from '../client/connect/mcp-servers.ts'
import { createServerFile, type ServerMap } from '../client/connect/server-file.ts'
import { running } from './command-runner.ts'

/** Tools that answer, fail and show what they were sent. */
function build(server: McpServer): void {
  const city = z.object({ city: z.string() })
  server.registerTool('forecast', { description: 'Says\nmuch', inputSchema: city }, ({ city: place }) =>
    text(`sunny in ${place}\u001B[2J`),
  )
  server.registerTool('fail', {}, () => ({ ...text('no such city'), isError: true }))
  server.registerTool('show', {}, ({ http }) => text(http?.req?.headers.get('x-key') ?? 'no key'))
  server.registerTool('figures', {}, () => ({ content: [], structuredContent: { degrees: 21 } }))
}

async function withServers(more: ServerMap = {}) {
  const mcp = await startMcp({ name: 'weather', build })
  const place = await createServerFile({ weather: { url: mcp.url, tags: ['geo'] }, ...more })
  return {
    mcp,
    run: (argv: readonly string[], surroundings: Parameters<typeof running>[1] = {}) =>
      running([...argv, '--url', place.daemon.url], surroundings),
    [Symbol.asyncDispose]: async () => {
      await place[Symbol.asyncDispose]()
      await mcp[Symbol.asyncDispose]()
    },
  }
}

describe('mcp-roster call', () => {
  it('prints the text of the answer, control characters escaped, or the whole answer', async () => {
    await using servers = await withServers()

    const plain = await servers.run(['call', 'weather', 'forecast', '{"city":"Bern"}'])
    const piped = await servers.run(['call', 'default/weather', 'forecast', '-', '-o', 'json'], {
      input: () => Readable.from(['{"city":', '"Bern"}']),
    })

    assert.deepEqual([plain.code, plain.out], [0, 'sunny in Bern\\u001b[2J\n'])
    const { content } = JSON.parse(piped.out) as { content: { text: string }[] }
    assert.match(content[0]?.text ?? '', /^sunny in Bern/)
    assert.match((await servers.run(['call', 'weather', 'figures'])).out, /"degrees": 21/)
  })

  it('a tool that failed is printed to standard error, with exit code 1', async () => {
    await using servers = await withServers()

    assert.deepEqual(await servers.run(['call', 'weather', 'fail']), { code: 1, out: '', err: 'no such city\n' })
  })

  it('names what the server offers for an unknown tool, and the remedy for bad usage', async () => {
    await using servers = await withServers()

    const unknown = await servers.run(['call', 'weather', 'forcast'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.err, /has no tool forcast. Its tools: forecast, fail, show, figures/)
    for (const json of ['{"city":', '[1]', '3'])
      assert.match(
        (await servers.run(['call', 'weather', 'forecast', json])).err,
        /the arguments (are not JSON|must be)/,
      )
    assert.match((await servers.run(['call', 'none', 'forecast'])).err, /none/)
    assert.equal((await servers.run(['call', 'weather'])).code, 2)
    assert.match((await servers.run(['call', 'weather', 'show', '-H', 'x'])).err, /--header must look like/)
  })

  it('fills a definition only from variables that are named', async () => {
    const mcp = await startMcp({ name: 'weather', build })
    await using _ = mcp
    await using place = await createServerFile({ keyed: { url: mcp.url, headers: { 'X-Key': '${WEATHER_KEY}' } } })
    const env = { WEATHER_KEY: 's3cret-value' }
    const show = (...more: readonly string[]) =>
      running(['call', 'keyed', 'show', '--url', place.daemon.url, ...more], { env })

    const without = await show()
    assert.equal(without.out, 'no key\n')
    assert.match(without.err, /no value for X-Key; see --env/i)
    assert.equal((await show('-e', 'WEATHER_KEY')).out, 's3cret-value\n')
    assert.equal((await show('-H', 'X-Key: by hand')).out, 'by hand\n')
  })

  it('names the options for credentials where a server demands them', async () => {
    await using guarded = await startMcp({
      intercept: ({ headers }, response) => {
        if (headers.authorization === 'Bearer right') return false
        response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
        return true
      },
    })
    await using servers = await withServers({ guarded: { url: guarded.url, health_check: 'none' } })

    const refused = await servers.run(['call', 'guarded', 'forecast'])
    const listed = await servers.run(['tools', 'guarded'])
    const admitted = await servers.run(['call', 'guarded', 'forecast', '-H', 'Authorization: Bearer right'])

    assert.equal(refused.code, 1)
    assert.match(refused.err, /answered with status 401; credentials are given with --header, --env or --secrets/)
    assert.match(listed.err, /guarded: answered with status 401; credentials are given with --header/)
    assert.deepEqual([admitted.code, admitted.out], [0, 'sunny\n'])
  })

  it('starts a command only where that is allowed, or a person agrees', async () => {
    const everything = 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'
    await using place = await createServerFile({ local: { command: process.execPath, args: [everything, 'stdio'] } })
    const questions: string[] = []
    const echo = (...more: readonly string[]) => [
      'call',
      'local',
      'echo',
      '{"message":"hi"}',
      '--url',
      place.daemon.url,
      ...more,
    ]
    const terminal = (answer: boolean) => ({
      ask: async (question: string) => {
        questions.push(question)
        return answer
      },
    })

    const refused = await running(echo())
    assert.equal(refused.code, 1)
    assert.match(refused.err, /It would start ".*index.js stdio" on this machine: allow that with --allow-stdio/)
    assert.deepEqual([(await running(echo(), terminal(false))).code, questions.length], [1, 1])
    assert.deepEqual([(await running(echo(), terminal(true))).out, questions.length], ['Echo: hi\n', 2])
    assert.equal((await running(echo('--allow-stdio'))).out, 'Echo: hi\n')
  })
})

describe('mcp-roster tools', () => {
  it('lists the tools of all servers that match, and says which could not be reached', async () => {
    await using servers = await withServers({
      gone: { url: 'http://127.0.0.1:59/mcp', tags: ['geo'] },
      local: { command: 'never-started' },
    })

    const table = await servers.run(['tools', '--tag', 'geo'])
    assert.equal(table.code, 0)
    assert.match(table.out, /^TOOL {6}SERVER {3}DESCRIPTION\nforecast {2}weather {2}Says\nfail {6}weather\n/)
    assert.equal(table.err, 'gone: connection refused\n')
    const names = await servers.run(['tools', 'weather', '-o', 'name'])
    assert.equal(names.out, 'weather__forecast\nweather__fail\nweather__show\nweather__figures\n')
    const all = JSON.parse((await servers.run(['tools', '-o', 'json'])).out) as { server: string }[]
    assert.equal(all.length, 4)
    const gone = await servers.run(['tools', 'gone'])
    assert.deepEqual([gone.code, gone.out], [1, ''])
    assert.match((await servers.run(['tools'])).err, /local: commands are not run here/)
  })
})
