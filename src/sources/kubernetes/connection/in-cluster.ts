import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { SourceError } from '../../../model/source.ts'
import type { KubeCredentials } from './credentials.ts'

/** Where the kubelet mounts the service account. */
const serviceAccountPath = '/var/run/secrets/kubernetes.io/serviceaccount'

type Env = Readonly<Record<string, string | undefined>>

export function isInCluster({ KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT }: Env): boolean {
  return Boolean(KUBERNETES_SERVICE_HOST && KUBERNETES_SERVICE_PORT)
}

/** The namespace of this pod; undefined outside a cluster. */
export function ownNamespace(env: Env, root = serviceAccountPath): string | undefined {
  if (!isInCluster(env)) return undefined
  if (env['POD_NAMESPACE']) return env['POD_NAMESPACE']
  try {
    return readFileSync(join(root, 'namespace'), 'utf8').trim() || undefined
  } catch {
    return undefined // a pod without a service account has no such file
  }
}

/**
 * The credentials of this pod's service account.
 *
 * Each request reads token and CA from their files, because the kubelet rotates them. The files are small and requests are
 * rare; the Kubernetes client would cost every pod 40 to 85 MB instead.
 */
export function inClusterCredentials(env: Env, root = serviceAccountPath): KubeCredentials {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? ''
  const namespace = ownNamespace(env, root)

  async function read(file: string): Promise<string> {
    try {
      return (await readFile(join(root, file), 'utf8')).trim()
    } catch (error) {
      throw new SourceError(
        `cannot read ${join(root, file)}: the pod needs a service account (automountServiceAccountToken: true)`,
        { class: 'auth', cause: error },
      )
    }
  }

  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT']}`,
    ...(namespace !== undefined && { namespace }),
    async current() {
      const [token, ca] = await Promise.all([read('token'), read('ca.crt')])
      return { headers: { authorization: `Bearer ${token}` }, tls: { ca } }
    },
    refresh: () => {},
  }
}
