import { globSync, readFileSync } from 'node:fs'
import type {
  KubernetesObject,
  V1ConfigMap,
  V1Container,
  V1Deployment,
  V1PodTemplateSpec,
  V1StatefulSet,
} from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'

export type Manifest = KubernetesObject & Readonly<Record<string, unknown>>
export type Workload = V1Deployment | V1StatefulSet

/** The objects that `kubectl apply -f FILE` would send. */
export function objectsIn(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0]
    const object = document.toJS() as Manifest | null
    return object === null ? [] : [object]
  })
}

/** Every plain manifest by file name. */
export const files: readonly string[] = [...globSync('deploy/kubernetes/*.yaml'), 'deploy/sidecar.yaml'].toSorted()

export const manifestsOf = (file: string): Manifest[] => objectsIn(readFileSync(file, 'utf8'))

export const ofKind = <T = Manifest>(objects: readonly Manifest[], kind: string): T[] =>
  objects.filter((object) => object.kind === kind) as T[]

export function workloadsIn(objects: readonly Manifest[]): Workload[] {
  return [...ofKind<Workload>(objects, 'Deployment'), ...ofKind<Workload>(objects, 'StatefulSet')]
}

export function podOf(workload: Workload): Required<Pick<V1PodTemplateSpec, 'metadata' | 'spec'>> {
  const { metadata, spec } = workload.spec?.template ?? {}
  if (!metadata || !spec) throw new Error(`${workload.metadata?.name} has no pod`)
  return { metadata, spec }
}

export function containersOf(workload: Workload): V1Container[] {
  const { initContainers = [], containers } = podOf(workload).spec
  return [...initContainers, ...containers]
}

/** The container of the daemon. */
export function rosterOf(workload: Workload): V1Container {
  const found = containersOf(workload).find(({ name }) => name === 'mcp-roster')
  if (!found) throw new Error(`${workload.metadata?.name} does not run mcp-roster`)
  return found
}

/** Its literal environment variables. */
export function environmentOf({ env = [] }: V1Container): Record<string, string> {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
}

/** The config file in the chart's ConfigMap. */
export const configIn = (objects: readonly Manifest[]): string | undefined =>
  ofKind<V1ConfigMap>(objects, 'ConfigMap').find(({ data }) => data?.['config.yaml'])?.data?.['config.yaml']
