import { homedir } from 'node:os'
import type { Source } from '../../model/source.ts'
import { defineSource, type SourceTools } from '../source-kind.ts'
import { KubernetesConfig } from './config.ts'
import type { KubeCredentials } from './connection/credentials.ts'
import { inClusterCredentials, isInCluster, ownNamespace } from './connection/in-cluster.ts'
import { defaultKubeTuning, type KubeTuning } from './tuning.ts'

/** Labelled Services, and labelled ConfigMaps that list servers, of one Kubernetes cluster. */
export const kubernetes = defineSource({
  type: 'kubernetes',
  config: () => KubernetesConfig.unwrap(),
  discovery_method: 'kubernetes',
  reach: 'private',
  // Write access to a ConfigMap must not be enough to run commands on clients: only namespaces that the operator named,
  // and the daemon's own, may introduce them.
  mayIntroduceStdio: ({ namespaces, kubeconfig }, namespace) =>
    (namespaces?.includes(namespace) ?? false) || (kubeconfig === undefined && ownNamespace(process.env) === namespace),
  questionsShrinks: true,
  keepsSnapshot: true,
  addedSettings: { annotation_urls: 'same_namespace_service' },
  maxSilenceSeconds: () => 180,
  open: (config, tools) => openKubernetes(config, tools),
})

/** As `kubernetes.open`; tests pass shorter intervals and a service account of their own. */
export function openKubernetes(
  config: KubernetesConfig,
  { env }: Pick<SourceTools, 'env'>,
  { tuning = {}, serviceAccount }: { tuning?: Partial<KubeTuning>; serviceAccount?: string } = {},
): Source {
  async function loadCredentials(): Promise<KubeCredentials | undefined> {
    if (config.kubeconfig === undefined) return isInCluster(env) ? inClusterCredentials(env, serviceAccount) : undefined
    // Loaded only for a kubeconfig: it imports the heaviest package of all.
    const { loadKubeconfig } = await import('./connection/kubeconfig.ts')
    return loadKubeconfig(config.kubeconfig.replace(/^~(?=\/)/, homedir()), config.context)
  }

  return async function* kubernetes(run) {
    const credentials = await loadCredentials()
    if (!credentials) {
      yield { type: 'alive', note: 'not in a cluster, and no kubeconfig is configured' }
      return
    }
    // Loaded only in a cluster, because it imports the HTTP client.
    const { watchCluster } = await import('./watching/cluster-watch.ts')
    yield* watchCluster({ config, credentials, tuning: { ...defaultKubeTuning, ...tuning }, run })
  }
}
