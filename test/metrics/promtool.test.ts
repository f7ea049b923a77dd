import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { temporary, until } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'
import { freePort, installed } from '../programs.ts'

const promtool = installed('promtool')
const skip = promtool === undefined && 'promtool is not installed'

/** What `promtool check metrics` says of a text; empty where it finds nothing. */
async function problemsIn(text: string): Promise<string> {
  return await new Promise((resolve) => {
    const child = execFile(promtool ?? '', ['check', 'metrics'], (error, stdout, stderr) =>
      resolve(error ? `${stdout}${stderr}${error.message}` : stderr),
    )
    child.stdin?.end(text)
  })
}

describe('metrics as Prometheus text', () => {
  it('pass promtool check metrics', { skip }, async () => {
    await using daemon = await startHere(
      `store: { type: memory }\nsources: [{ type: agents }, { type: http, url: "http://127.0.0.1:${await freePort()}/" }]\n`,
    )
    await daemon.ask('POST', '/agents', { id: 'planner', capabilities: ['plan'] })
    await daemon.ask('PUT', '/servers/dead', {
      url: `http://10.255.255.1:${await freePort()}/mcp`,
      health_check: 'none',
    })

    const text = await (await daemon.get('/metrics')).text()

    assert.match(text, /^roster_agents\{/m)
    assert.equal(await problemsIn(text), '')
    assert.match(await problemsIn('# TYPE odd_total gauge\nodd_total 1\n'), /odd_total/, 'promtool finds what is wrong')
  })
})

describe('metrics of each server', () => {
  it('show its status, its last response time and its failed probes by reason', async () => {
    let status = 200
    await using web = createServer((_, response) => void response.writeHead(status).end())
    const port = await freePort()
    await new Promise<void>((resolve) => void web.listen(port, '127.0.0.1', resolve))
    using folder = temporary()
    const weather = { url: `http://127.0.0.1:${port}/`, namespace: 'team', health_check: 'http' }
    writeFileSync(folder.at('servers.json'), JSON.stringify({ servers: { weather } }))
    const config =
      'store: { type: memory }\nsources: [{ type: file, paths: [servers.json] }]\nhealth: { interval: 1 }\n'
    await using daemon = await startHere(config, { folder })
    const probe = async () => await daemon.ask('POST', '/servers/team/weather/probe')
    const lines = async (name: string) =>
      (await (await daemon.get('/metrics')).text()).split('\n').filter((line) => line.startsWith(name))
    const server = 'namespace="team",name="weather"'
    const { status: code, text } = await probe()
    assert.equal(code, 200, text)

    assert.deepEqual(await lines('roster_server_status'), [`roster_server_status{${server},status="healthy"} 1`])
    assert.deepEqual(await lines('roster_server_up'), [`roster_server_up{${server}} 1`])
    assert.match((await lines('roster_server_response_time_seconds')).join(), /name="weather"\} 0\.\d+$/)
    assert.deepEqual(await lines('roster_server_probe_failures_total'), [])
    status = 500
    await probe()
    await until(async () => (await lines('roster_server_up')).join() === `roster_server_up{${server}} 0`)
    assert.match(
      (await lines('roster_server_probe_failures_total')).join(),
      /name="weather",reason="http_status"\} [3-9]$/,
    )

    await daemon.reload(`${config}metrics: { max_servers: 0 }\n`)
    assert.deepEqual(await lines('roster_server_'), [])
    assert.deepEqual(await lines('roster_servers_without_metrics'), ['roster_servers_without_metrics 1'])
  })
})
