import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { temporary, until } from '../e2e/daemon-process.ts'
import { openMcp } from '../e2e/mcp.ts'
import { startHere } from '../in-process-daemon.ts'
import { freePort, installed, startProgram } from '../programs.ts'

const promtool = installed('promtool')
const prometheus = installed('prometheus')
const blackbox = installed('prometheus-blackbox-exporter')
const check = promisify(execFile)

const read = (name: string) => readFileSync(`deploy/prometheus/${name}`, 'utf8')
/** The block of the README about Prometheus. */
const readmeBlock = () =>
  /### \d+\. Monitor with Prometheus\n\n```yaml\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8'))?.[1] ?? ''

type Target = { labels: Record<string, string>; scrapeUrl: string; health: string }

/** A real Prometheus with this config, and its active targets of a job. */
async function startPrometheus(text: string) {
  const port = await freePort()
  const program = await startProgram(prometheus ?? '', async (folder) => {
    const config = join(folder, 'prometheus.yml')
    writeFileSync(config, text)
    return [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]
  })
  const targetsOf = async (job: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/targets?state=active`)
    const { data } = (await answer.json()) as { data: { activeTargets: Target[] } }
    return data.activeTargets.filter(({ labels }) => labels['job'] === job)
  }
  return { ...program, targetsOf, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() }
}

/** A daemon with these servers, which its folder defines. */
async function startWith(servers: Record<string, object>) {
  const folder = temporary()
  writeFileSync(folder.at('servers.json'), JSON.stringify({ servers }))
  const daemon = await startHere(
    'store: { type: memory }\nhealth: { enabled: false }\nsources: [{ type: file, paths: [servers.json] }]\n',
    { folder },
  )
  return {
    ...daemon,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

describe('the files for Prometheus', () => {
  it(
    'pass promtool and the blackbox exporter',
    { skip: !(promtool && blackbox) && 'promtool or the exporter is missing' },
    async () => {
      const config = await check(promtool ?? '', ['check', 'config', 'deploy/prometheus/prometheus.yaml'])
      assert.match(config.stdout, /SUCCESS: 13 rules found/)
      await check(promtool ?? '', ['test', 'rules', 'test/deploy/alerts.yaml'])
      await check(blackbox ?? '', ['--config.check', '--config.file=deploy/prometheus/blackbox.yaml'])
    },
  )

  it('use only metrics that the daemon exports', async () => {
    await using daemon = await startWith({ weather: { command: 'x' } })
    const text = await (await daemon.get('/metrics')).text()
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
    const used = read('alerts.yaml').match(/\broster_\w+/g) ?? []
    assert.ok(used.length > 8)
    assert.deepEqual(
      used.filter((name) => !known.has(name)),
      [],
    )
  })

  it(
    'probe MCP servers with a real blackbox exporter',
    { skip: !(prometheus && blackbox) && 'not installed' },
    async () => {
      await using mcp = await openMcp()
      await using daemon = await startWith({
        alive: { url: mcp.url },
        dead: { url: `http://127.0.0.1:${await freePort()}/mcp` },
        secret: { url: 'https://secret.example/mcp?token=c4nary-of-a-secret' },
        command: { command: 'x' },
      })
      const port = await freePort()
      await using exporter = await startProgram(blackbox ?? '', async () => [
        `--config.file=${resolve('deploy/prometheus/blackbox.yaml')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ])
      await exporter.until(() =>
        fetch(`http://127.0.0.1:${port}/`).then(
          ({ ok }) => ok,
          () => false,
        ),
      )
      const config = read('prometheus.yaml')
        .replace('rule_files: [alerts.yaml]', 'global: { scrape_interval: 1s, scrape_timeout: 1s }')
        .replaceAll('http://mcp-roster:8000', daemon.url)
        .replace('mcp-roster:8000', new URL(daemon.url).host)
        .replace('blackbox-exporter:9115', `127.0.0.1:${port}`)
        .replaceAll('label_selector=metrics%3Dtrue', 'label_selector=metrics%3Dtrue\n        refresh_interval: 1s')
        .replaceAll('type=http', 'type=http\n        refresh_interval: 1s')
      await using server = await startPrometheus(config)
      await server.until(async () => (await server.targetsOf('mcp-probes')).length === 2)

      const targets = await server.targetsOf('mcp-probes')
      assert.deepEqual(targets.map(({ labels }) => String(labels['mcp_server'])).toSorted(), ['alive', 'dead'])
      assert.deepEqual(await server.targetsOf('mcp-server-metrics'), [])
      const probed = async (name: string) => {
        const target = targets.find(({ labels }) => labels['mcp_server'] === name)
        const text = await (await fetch(target?.scrapeUrl ?? '')).text()
        return /^probe_success (\d)$/m.exec(text)?.[1]
      }
      assert.deepEqual([await probed('alive'), await probed('dead')], ['1', '0'])
    },
  )
})

describe('the README about Prometheus', () => {
  it(
    'scrapes servers over the scheme of their URL, and only those that have metrics',
    { skip: !(prometheus && promtool) && 'not installed' },
    async () => {
      await using daemon = await startWith({
        plain: { url: 'http://plain.example:8080/mcp', labels: { metrics: 'true' } },
        safe: { url: 'https://safe.example/mcp', labels: { metrics: 'true' } },
        without: { url: 'https://without.example/mcp' },
      })
      const block = readmeBlock()
      assert.match(block, /job_name: mcp-servers/)
      const config = block
        .replaceAll('http://localhost:8000', daemon.url)
        .replaceAll('localhost:8000', new URL(daemon.url).host)
        .replace(/(\/sd\/prometheus[^' ]*')/, '$1, refresh_interval: 1s')
      await using server = await startPrometheus(`global: { scrape_interval: 1h }\n${config}`)
      await server.until(async () => (await server.targetsOf('mcp-servers')).length === 2)

      const urls = (await server.targetsOf('mcp-servers')).map(
        ({ labels, scrapeUrl }) => `${labels['mcp_server']} ${scrapeUrl}`,
      )
      assert.deepEqual(urls.toSorted(), [
        'plain http://plain.example:8080/metrics',
        'safe https://safe.example:443/metrics',
      ])
      await until(async () => (await server.targetsOf('mcp-roster')).length === 1)
    },
  )
})
