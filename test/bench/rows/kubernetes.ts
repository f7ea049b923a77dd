import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startKubeApi } from '../../fakes/kube-api.ts'
import { configMap, kubeconfigFor, service } from '../../sources/kubernetes/observed-cluster.ts'
import { settled, until } from '../daemon-requests.ts'
import { quantile, rounded } from '../figures.ts'
import type { Row } from '../row.ts'

/** Time from a labelled Service or an edited ConfigMap to its server in the list, with an API server on loopback. */
const eventToVisible: Row = {
  name: 'Kubernetes event → visible',
  goal: 'p99 ≤ 200 ms',
  reaches: (value) => value <= 200,
  async measure(bench) {
    await using api = await startKubeApi()
    await using kubeconfig = await kubeconfigFor(api)
    const config = join(bench.folder(), 'config.json')
    const sources = [{ type: 'kubernetes', kubeconfig: kubeconfig.path }]
    writeFileSync(config, JSON.stringify({ sources, health: { enabled: false } }))
    const daemon = await bench.daemon(['--config', config])
    await settled(daemon.url, 200)
    await until(async () => api.watches().length >= 3)
    const shows = async (name: string) => (await fetch(`${daemon.url}/servers/prod/${name}`)).status === 200
    const [services, maps, gone]: number[][] = [[], [], []]
    const timed = async (times: number[] | undefined, act: () => void, seen: () => Promise<boolean>) => {
      const begun = performance.now()
      act()
      await until(seen, 2)
      times?.push(performance.now() - begun)
    }
    for (let round = 0; round < 20 + 10 * bench.seconds; round += 1) {
      const [name, listed] = [`service-${round}`, `listed-${round}`]
      const text = JSON.stringify({ servers: { [listed]: { url: 'http://listed.prod.svc/mcp' } } })
      await timed(
        services,
        () => api.store.put('services', service(name)),
        () => shows(name),
      )
      await timed(
        maps,
        () => api.store.put('configmaps', configMap('list', { 'servers.json': text })),
        () => shows(listed),
      )
      await timed(
        gone,
        () => api.store.remove('services', 'prod', name),
        async () => !(await shows(name)),
      )
    }
    await daemon.stop()
    const p99 = (times: number[] | undefined) => quantile(times ?? [], 0.99)
    return {
      value: Math.max(p99(services), p99(maps), p99(gone)),
      unit: 'ms',
      detail: {
        service_p50: rounded(quantile(services ?? [], 0.5)),
        service_p99: rounded(p99(services)),
        config_map_p99: rounded(p99(maps)),
        gone_p99: rounded(p99(gone)),
      },
    }
  },
}

export const kubernetes: readonly Row[] = [eventToVisible]
