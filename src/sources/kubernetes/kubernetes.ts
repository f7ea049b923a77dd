import { homedir } from 'node:os'
import type { Source } from '../../model/source.ts'
import { defineSource, type SourceTools } from '../source-kind.ts'
import { KubernetesConfig } from './config.ts'
import type { KubeCredentials } from './connection/credentials.ts'
import { inClusterCredentials, isInCluster, ownNamespace } from './connection/in-cluster.ts'
import { defaultTuning as usual, type Tuning } from './tuning.ts'

/** Labelled Services, and labelled ConfigMaps that list servers, of one Kubernetes cluster. */
export const kubernetes = defineSource({
  type: 'kubernetes',
  config: () => KubernetesConfig.unwrap(),
  discovery_method: 'kubernetes',
  reach: 'private',
  // Whoever may write a ConfigMap must not hand commands to everybody's clients: only in namespaces the operator
  // named, or in this daemon's own, which are his as the daemon is.
  mayIntroduceStdio: ({ namespaces, kubeconfig }, namespace) =>
    (namespaces?.includes(namespace) ?? false) || (kubeconfig === undefined && ownNamespace(process.env) === namespace),
  questionsShrinks: true,
  keepsSnapshot: true,
  maxSilenceSeconds: () => 180,
  open: (config, tools) => openKubernetes(config, tools),
})

/** As `kubernetes.open`; tests bring shorter habits and a service account of their own. */
export function openKubernetes(
  config: KubernetesConfig,
  { env }: Pick<SourceTools, 'env'>,
  { habits = {}, serviceAccount }: { habits?: Partial<Tuning>; serviceAccount?: string } = {},
): Source {
  async function identify(): Promise<KubeCredentials | undefined> {
    if (config.kubeconfig === undefined) return isInCluster(env) ? inClusterCredentials(env, serviceAccount) : undefined
    // Loaded only by those who name a kubeconfig: it is the heaviest package there is.
    const { loadKubeconfig: fromKubeconfig } = await import('./connection/kubeconfig.ts')
    return fromKubeconfig(config.kubeconfig.replace(/^~(?=\/)/, homedir()), config.context)
  }

  return async function* kubernetes(run) {
    const identity = await identify()
    if (!identity) {
      yield { type: 'alive', note: 'not in a cluster, and no kubeconfig is configured' }
      return
    }
    // With it comes the HTTP client, which nobody needs outside a cluster.
    const { watchCluster } = await import('./watching/cluster-watch.ts')
    yield* watchCluster({ config, identity, habits: { ...usual, ...habits }, run })
  }
}
