import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type {
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1NetworkPolicy,
  V1PolicyRule,
  V1Role,
  V1Service,
  V1ServiceAccount,
  V1StatefulSet,
} from '@kubernetes/client-node'
import { requiredAccess } from '../../src/sources/kubernetes/watching/reflectors.ts'
import { startKubeApi } from '../fakes/kube-api.ts'
import { configMap, service, observeCluster } from '../sources/kubernetes/observed-cluster.ts'
import { schemaErrors } from './manifest-schema.ts'
import { containersOf, files, manifestsOf, ofKind, podOf, rosterOf, type Manifest, workloadsIn } from './manifests.ts'

const all = files.map((file) => [file, manifestsOf(file)] as const)
const withWork = all.filter(([, objects]) => workloadsIn(objects).length > 0)
const labelsMatch = (wanted: Record<string, string> = {}, labels: Record<string, string> = {}) =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)

describe('every manifest', () => {
  it('every manifest conforms to the Kubernetes API field by field', () => {
    assert.equal(withWork.length, 6)
    for (const [file, objects] of all) {
      assert.ok(objects.length > 0, file)
      for (const object of objects) assert.deepEqual(schemaErrors(object), [], file)
    }
  })

  it('manifest check detects wrong fields and types', () => {
    const [deployment] = ofKind<Manifest>(manifestsOf('deploy/kubernetes/aggregator.yaml'), 'Deployment')
    assert.ok(deployment)
    const spec = { replica: 1, replicas: '1', template: { spec: { containers: [{ image: 1 }] } } }
    Object.assign(deployment['spec'] as object, spec)

    assert.deepEqual(schemaErrors(deployment), [
      'Deployment.spec.replicas must be a number',
      'Deployment.spec.template.spec.containers[0].name is missing',
      'Deployment.spec.template.spec.containers[0].image must be a string',
      'Deployment.spec.replica is not a field of V1DeploymentSpec',
    ])
  })

  it('manifests refer only to existing objects', () => {
    for (const [file, objects] of withWork) {
      const maps = ofKind<V1ConfigMap>(objects, 'ConfigMap')
      const accounts = new Set(
        ofKind<V1ServiceAccount>(objects, 'ServiceAccount').map(({ metadata }) => metadata?.name),
      )
      for (const workload of workloadsIn(objects)) {
        const { metadata, spec } = podOf(workload)
        const claims = (workload as V1StatefulSet).spec?.volumeClaimTemplates ?? []
        const volumes = new Set([...(spec.volumes ?? []), ...claims.map((one) => one.metadata)].map((one) => one?.name))
        for (const { volumeMounts = [] } of containersOf(workload)) {
          for (const { name } of volumeMounts) assert.ok(volumes.has(name), `${file}: no volume ${name}`)
        }
        for (const { configMap: from } of spec.volumes ?? []) {
          if (!from) continue
          const map = maps.find((one) => one.metadata?.name === from.name)
          assert.ok(map, `${file}: no ConfigMap ${from.name}`)
          for (const { key } of from.items ?? []) assert.ok(map.data?.[key], `${file}: no key ${key}`)
        }
        if (spec.serviceAccountName) assert.ok(accounts.has(spec.serviceAccountName), file)
        assert.ok(labelsMatch(workload.spec?.selector.matchLabels, metadata.labels), file)

        const ports = new Set(containersOf(workload).flatMap((one) => (one.ports ?? []).map(({ name }) => name)))
        for (const one of ofKind<V1Service>(objects, 'Service')) {
          assert.ok(labelsMatch(one.spec?.selector, metadata.labels), file)
          for (const { targetPort } of one.spec?.ports ?? []) assert.ok(ports.has(String(targetPort)), file)
        }
        for (const one of ofKind<V1NetworkPolicy>(objects, 'NetworkPolicy'))
          assert.ok(labelsMatch(one.spec?.podSelector?.matchLabels, metadata.labels), file)
      }
    }
  })

  it('manifests meet the restricted Pod Security Standard', () => {
    const volumes = new Set(['name', 'configMap', 'emptyDir', 'secret', 'projected', 'persistentVolumeClaim'])
    for (const [file, objects] of withWork) {
      for (const workload of workloadsIn(objects)) {
        const { spec } = podOf(workload)
        for (const host of ['hostNetwork', 'hostPID', 'hostIPC'] as const) assert.ok(!spec[host], file)
        for (const volume of spec.volumes ?? [])
          assert.deepEqual(
            Object.keys(volume).filter((key) => !volumes.has(key)),
            [],
            file,
          )
        for (const { securityContext: own = {}, ports = [] } of containersOf(workload)) {
          assert.equal(own.allowPrivilegeEscalation, false, file)
          assert.deepEqual(own.capabilities, { drop: ['ALL'] }, file)
          assert.ok(!own.privileged && own.procMount === undefined, file)
          assert.equal(own.runAsNonRoot ?? spec.securityContext?.runAsNonRoot, true, file)
          assert.ok((own.runAsUser ?? spec.securityContext?.runAsUser ?? 0) > 0, file)
          assert.equal((own.seccompProfile ?? spec.securityContext?.seccompProfile)?.type, 'RuntimeDefault', file)
          assert.equal(own.readOnlyRootFilesystem, true, file)
          assert.ok(
            ports.every(({ hostPort }) => hostPort === undefined),
            file,
          )
        }
      }
    }
  })

  it('manifests set resource limits, probes and image versions', () => {
    for (const [file, objects] of withWork) {
      for (const workload of workloadsIn(objects)) {
        const roster = rosterOf(workload)
        assert.equal(podOf(workload).spec.enableServiceLinks, false, file)
        assert.ok(roster.resources?.requests?.['cpu'] && roster.resources.limits?.['memory'], file)
        assert.ok(roster.startupProbe && roster.livenessProbe, file)
        assert.equal(roster.image, 'mcp-roster/mcp-roster:0.1.0', file)
        for (const { image } of containersOf(workload)) assert.match(image ?? '', /:\d+\.\d+\.\d+$/, file)
      }
    }
  })

  it('sidecar listens on loopback only and is probed there', () => {
    for (const file of ['deploy/kubernetes/sidecar.yaml', 'deploy/sidecar.yaml']) {
      const objects = manifestsOf(file)
      const [workload] = workloadsIn(objects)
      const roster = rosterOf(workload ?? assert.fail(file))
      assert.equal(roster.restartPolicy, 'Always')
      assert.equal(roster.env?.find(({ name }) => name === 'HOST')?.value, 'localhost')
      assert.ok(roster.livenessProbe?.exec && !roster.livenessProbe.httpGet)
      assert.deepEqual(ofKind(objects, 'Service'), [])
    }
  })

  it('SQLite runs in one StatefulSet pod; pods that share a database are spread', () => {
    const stateful = manifestsOf('deploy/kubernetes/stateful.yaml')
    const [set] = ofKind<V1StatefulSet>(stateful, 'StatefulSet')
    assert.equal(set?.spec?.replicas, 1)
    assert.equal(set.spec.volumeClaimTemplates?.length, 1)
    const headless = ofKind<V1Service>(stateful, 'Service').find((one) => one.spec?.clusterIP === 'None')
    assert.equal(headless?.metadata?.name, set.spec.serviceName)

    const [shared] = workloadsIn(manifestsOf('deploy/kubernetes/postgres.yaml'))
    const rules = podOf(shared ?? assert.fail()).spec.affinity?.podAntiAffinity
    assert.equal(rules?.requiredDuringSchedulingIgnoredDuringExecution?.[0]?.topologyKey, 'kubernetes.io/hostname')
    assert.equal(shared?.spec?.replicas, 3)
  })
})

/** Permissions of RBAC rules, one line per verb and resource. */
const spelledOut = (rules: readonly V1PolicyRule[]) =>
  rules
    .flatMap(({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.flatMap((group) => resources.flatMap((one) => verbs.map((verb) => `${verb} ${group}/${one}`))),
    )
    .toSorted()

const needed = spelledOut(
  requiredAccess.map(({ api_group, resource, verbs }) => ({
    apiGroups: [api_group],
    resources: [resource],
    verbs: [...verbs],
  })),
)

describe('the roles', () => {
  it('roles grant exactly what the Kubernetes source requests', () => {
    const roles = all.flatMap(([, objects]) => [
      ...ofKind<V1ClusterRole | V1Role>(objects, 'ClusterRole'),
      ...ofKind<V1ClusterRole | V1Role>(objects, 'Role'),
    ])
    assert.ok(roles.length >= 5)
    for (const { rules = [] } of roles) assert.deepEqual(spelledOut(rules), needed)
  })

  it('roles suffice: the source uses each right, is refused nothing, and sees the servers', async () => {
    await using api = await startKubeApi()
    const [role] = ofKind<V1Role>(manifestsOf('deploy/kubernetes/namespaced.yaml'), 'Role')
    const rules = (role?.rules ?? []).map(({ resources = [], verbs }) => ({ namespace: 'prod', resources, verbs }))
    api.rules(rules)
    api.store.put('services', service('weather'))
    api.store.put('configmaps', configMap('more', { 'a.yaml': 'servers: {tides: {url: http://tides/mcp}}' }))

    await using cluster = await observeCluster(api, { config: { namespaces: ['prod'] } })
    await cluster.until('both', () => ['tides', 'weather'].every((name) => cluster.names().includes(name)))
    await cluster.until('all watches', () => api.watches().length === 3)

    const asked = api.requests
      .filter(({ resource }) => resource)
      .map(({ verb, resource }) => `${verb} ${resource?.group}/${resource?.plural}`)
    assert.deepEqual([...new Set(asked)].toSorted(), needed)
  })

  it('roles are bound to the account of the pods in each watched namespace without a cluster role', () => {
    const objects = manifestsOf('deploy/kubernetes/namespaced.yaml')
    assert.deepEqual([...ofKind(objects, 'ClusterRole'), ...ofKind(objects, 'ClusterRoleBinding')], [])
    const places = (kind: string) => ofKind(objects, kind).map(({ metadata }) => metadata?.namespace)
    assert.deepEqual(places('Role'), ['mcp-roster', 'tools'])
    assert.deepEqual(places('RoleBinding'), ['mcp-roster', 'tools'])

    for (const [file, manifests] of withWork) {
      const [workload] = workloadsIn(manifests)
      const account = workload?.spec?.template.spec?.serviceAccountName
      const bindings = [
        ...ofKind<V1ClusterRoleBinding>(manifests, 'ClusterRoleBinding'),
        ...ofKind<V1ClusterRoleBinding>(manifests, 'RoleBinding'),
      ]
      for (const { subjects = [], roleRef } of bindings) {
        assert.deepEqual(subjects, [
          { kind: 'ServiceAccount', name: account, namespace: workload?.metadata?.namespace },
        ])
        assert.ok(
          ofKind(manifests, roleRef.kind).some(({ metadata }) => metadata?.name === roleRef.name),
          file,
        )
      }
    }
  })
})
