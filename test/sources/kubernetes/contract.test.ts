import { KubernetesConfig } from '../../../src/sources/kubernetes/config.ts'
import { openKubernetes } from '../../../src/sources/kubernetes/kubernetes.ts'
import { keepsTheSourceContract } from '../../contracts/source.ts'
import { startKubeApi } from '../../fakes/kube-api.ts'
import { kubeStatus } from '../../fakes/kube-status.ts'
import { quickTuning, kubeconfigFor, service } from './observed-cluster.ts'

keepsTheSourceContract({
  name: 'kubernetes',
  watches: true,
  open: async (names) => {
    const api = await startKubeApi()
    const kubeconfig = await kubeconfigFor(api)

    function publish(next: readonly string[]): void {
      for (const { metadata } of api.store.list('services', 'prod'))
        if (!next.includes(metadata.name)) api.store.remove('services', 'prod', metadata.name)
      for (const name of next) api.store.put('services', service(name))
    }

    publish(names)
    return {
      source: openKubernetes(
        KubernetesConfig.parse({ type: 'kubernetes', kubeconfig: kubeconfig.path }),
        { env: {} },
        { tuning: quickTuning },
      ),
      publish,
      async break() {
        api.fail({ when: () => true, answer: kubeStatus(503, 'ServiceUnavailable', 'shutting down') })
        await api.stop()
        await api.start()
      },
      heal: () => api.heal(),
      async close() {
        await api.stop()
        await kubeconfig[Symbol.asyncDispose]()
      },
    }
  },
})
