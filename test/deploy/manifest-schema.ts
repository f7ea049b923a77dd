import { readFileSync } from 'node:fs'
import * as models from '@kubernetes/client-node'
import type { Manifest } from './manifests.ts'

/**
 * The OpenAPI types of Kubernetes as the client library carries them: the fields of every kind with their types, and the required
 * ones from its declarations.
 */
type Model = { getAttributeTypeMap: () => readonly { baseName: string; type: string }[] }

const kinds: Readonly<Record<string, string>> = {
  'v1 ConfigMap': 'V1ConfigMap',
  'v1 Namespace': 'V1Namespace',
  'v1 Service': 'V1Service',
  'v1 ServiceAccount': 'V1ServiceAccount',
  'apps/v1 Deployment': 'V1Deployment',
  'apps/v1 StatefulSet': 'V1StatefulSet',
  'networking.k8s.io/v1 NetworkPolicy': 'V1NetworkPolicy',
  'policy/v1 PodDisruptionBudget': 'V1PodDisruptionBudget',
  'rbac.authorization.k8s.io/v1 ClusterRole': 'V1ClusterRole',
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': 'V1ClusterRoleBinding',
  'rbac.authorization.k8s.io/v1 Role': 'V1Role',
  'rbac.authorization.k8s.io/v1 RoleBinding': 'V1RoleBinding',
}

/** Kinds of the Prometheus operator, unknown to the client library. */
const foreign = new Set(['monitoring.coreos.com/v1 ServiceMonitor'])

/** Errors that an API server would report for the fields of an object; empty if valid. */
export function schemaErrors(object: Manifest): string[] {
  const kind = `${object.apiVersion} ${object.kind}`
  if (foreign.has(kind)) return []
  const model = kinds[kind]
  return model === undefined ? [`unknown kind ${kind}`] : valueErrors(object, model, `${object.kind}`)
}

function valueErrors(value: unknown, type: string, at: string): string[] {
  const [, item] = /^Array<(.+)>$/.exec(type) ?? []
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${at} must be a list`]
    return value.flatMap((one, index) => valueErrors(one, item, `${at}[${index}]`))
  }
  const [, member] = /^\{ \[key: string\]: (.+); \}$/.exec(type) ?? []
  if (member !== undefined) {
    if (!isMap(value)) return [`${at} must be a map`]
    return Object.entries(value).flatMap(([key, one]) => valueErrors(one, member, `${at}.${key}`))
  }
  if (type === 'IntOrString')
    return ['number', 'string'].includes(typeof value) ? [] : [`${at} must be text or a number`]
  if (['string', 'number', 'boolean'].includes(type)) return typeof value === type ? [] : [`${at} must be a ${type}`]
  if (type === 'any' || type === 'object') return []
  return modelErrors(value, type, at)
}

function modelErrors(value: unknown, type: string, at: string): string[] {
  const model = (models as unknown as Record<string, Model | undefined>)[type]
  if (!model) return [`${at}: ${type} is not a model`]
  if (!isMap(value)) return [`${at} must be a map`]
  const fields = new Map(model.getAttributeTypeMap().map(({ baseName, type }) => [baseName, type]))
  const missing = requiredFields(type).filter((name) => value[name] === undefined)
  return [
    ...missing.map((name) => `${at}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, one]) => {
      const field = fields.get(name)
      return field === undefined
        ? [`${at}.${name} is not a field of ${type}`]
        : valueErrors(one, field, `${at}.${name}`)
    }),
  ]
}

const requiredByType = new Map<string, readonly string[]>()

/** The required fields of a model, by its declaration. */
function requiredFields(type: string): readonly string[] {
  const cached = requiredByType.get(type)
  if (cached) return cached
  const text = readFileSync(`node_modules/@kubernetes/client-node/dist/gen/models/${type}.d.ts`, 'utf8')
  const fields = [...text.matchAll(/^ {4}'([^']+)': /gm)].flatMap(([, name]) => name ?? [])
  requiredByType.set(type, fields)
  return fields
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
