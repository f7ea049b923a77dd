/** One kind of object that the fake API server serves. */
export type KubeResource = {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly short: readonly string[]
  readonly namespaced: boolean
}

const core = { group: '', version: 'v1', namespaced: true } as const

export const kubeResources: readonly KubeResource[] = [
  { ...core, plural: 'services', singular: 'service', kind: 'Service', short: ['svc'] },
  { ...core, plural: 'configmaps', singular: 'configmap', kind: 'ConfigMap', short: ['cm'] },
  { ...core, plural: 'namespaces', singular: 'namespace', kind: 'Namespace', short: ['ns'], namespaced: false },
  {
    group: 'discovery.k8s.io',
    version: 'v1',
    plural: 'endpointslices',
    singular: 'endpointslice',
    kind: 'EndpointSlice',
    short: [],
    namespaced: true,
  },
]

export const apiVersionOf = ({ group, version }: KubeResource) => (group ? `${group}/${version}` : version)

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']

function resourceList(groupVersion: string, served: readonly KubeResource[]) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: served.map(({ plural, singular, kind, short, namespaced }) => ({
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs,
      shortNames: short,
    })),
  }
}

const discovery = { groupVersion: 'discovery.k8s.io/v1', version: 'v1' }
const group = { name: 'discovery.k8s.io', versions: [discovery], preferredVersion: discovery }

/** Responses of the discovery API; enough for `kubectl`. */
export const discoveryDocuments: Readonly<Record<string, unknown>> = {
  '/version': { major: '1', minor: '32', gitVersion: 'v1.32.0', platform: 'linux/amd64' },
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [group] },
  '/apis/discovery.k8s.io': { kind: 'APIGroup', apiVersion: 'v1', ...group },
  '/api/v1': resourceList(
    'v1',
    kubeResources.filter((kind) => kind.group === ''),
  ),
  '/apis/discovery.k8s.io/v1': resourceList(
    'discovery.k8s.io/v1',
    kubeResources.filter((kind) => kind.group !== ''),
  ),
}
