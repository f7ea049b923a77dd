import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { freePort, installed, startProgram } from '../../programs.ts'
import { serve } from '../served-api.ts'

type Target = { targets: string[]; labels: Record<string, string> }

const prometheus = installed('prometheus')

const servers = [
  {
    name: 'weather',
    namespace: 'team-a',
    url: 'https://weather.example/mcp',
    tags: ['geo', 'free-of-charge'],
    labels: { env: 'prod', 'example.org/tier': 'a', 'example.org.tier': 'b' },
  },
  { name: 'maps', url: 'http://[::1]:8080/mcp' },
  { name: 'off', enabled: false },
  { name: 'command', url: undefined, command: 'python' },
  { name: 'unfilled', url: 'http://${HOST}/mcp' },
]

describe('targets for Prometheus', () => {
  it('are the enabled servers with an address, labelled for relabelling', async () => {
    await using served = await serve({ servers })

    const answer = await served.get('/sd/prometheus')
    const [maps, weather, ...others] = (await answer.json()) as Target[]

    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.deepEqual(others, [])
    assert.deepEqual(maps?.targets, ['[::1]:8080'])
    assert.deepEqual(weather, {
      targets: ['weather.example:443'],
      labels: {
        __meta_roster_namespace: 'team-a',
        __meta_roster_name: 'weather',
        __meta_roster_source: 'test',
        __meta_roster_status: 'healthy',
        __meta_roster_scheme: 'https',
        __meta_roster_url: 'https://weather.example/mcp',
        __meta_roster_tag_geo: 'true',
        __meta_roster_tag_free_of_charge: 'true',
        __meta_roster_label_env: 'prod',
        __meta_roster_label_example_org_tier: 'b',
      },
    })
  })

  it('accept the filters of the list, and may be an empty list', async () => {
    await using served = await serve({ servers })
    const names = async (query: string) =>
      ((await (await served.get(`/sd/prometheus?${query}`)).json()) as Target[]).map(
        ({ labels }) => labels['__meta_roster_name'],
      )

    assert.deepEqual(await names('tag=geo'), ['weather'])
    assert.deepEqual(await names('label_selector=env%3Dprod&namespace=team-a'), ['weather'])
    assert.deepEqual(await names('tag=nothing'), [])
    assert.deepEqual(await names('enabled=false'), [])
    assert.equal((await served.get('/sd/prometheus?limit=1')).status, 400)
    assert.equal((await served.get('/sd/prometheus?what=1')).status, 400)
  })

  it('are discovered by a real Prometheus', { skip: prometheus ? false : 'prometheus is not installed' }, async () => {
    await using served = await serve({ servers })
    const port = await freePort()
    await using program = await startProgram(prometheus ?? '', async (folder) => {
      const config = join(folder, 'prometheus.yml')
      await writeFile(config, configFor(`${served.url}/sd/prometheus`))
      return [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ]
    })

    type Found = { discoveredLabels: Record<string, string>; labels: Record<string, string>; scrapeUrl: string }
    const targets = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/targets?state=active`)
      return ((await answer.json()) as { data: { activeTargets: Found[] } }).data.activeTargets
    }
    await program.until(async () => (await targets()).length === 2)

    const found = await targets()
    const weather = found.find(({ labels }) => labels['name'] === 'weather')
    assert.equal(weather?.scrapeUrl, 'https://weather.example:443/metrics')
    assert.equal(weather.discoveredLabels['__meta_roster_label_env'], 'prod')
    assert.deepEqual([weather.labels['env'], weather.labels['status']], ['prod', 'healthy'])
    assert.ok(found.some(({ labels }) => labels['instance'] === '[::1]:8080'))
  })
})

/** Nothing is scraped while the test runs: only what is discovered counts. */
function configFor(url: string): string {
  return `
scrape_configs:
  - job_name: roster
    scrape_interval: 1h
    http_sd_configs: [{ url: "${url}", refresh_interval: 1s }]
    relabel_configs:
      - { source_labels: [__meta_roster_scheme], target_label: __scheme__ }
      - { source_labels: [__meta_roster_name], target_label: name }
      - { source_labels: [__meta_roster_status], target_label: status }
      - { action: labelmap, regex: __meta_roster_label_(.+) }
`
}
