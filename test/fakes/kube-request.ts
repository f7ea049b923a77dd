import { type KubeResource, resources } from './kube-resources.ts'

/** One request as the fake understood it. */
export type KubeRequest = {
  readonly at: number
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly verb: string
  readonly resource: KubeResource | undefined
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly user: string | undefined
}

/** Who may do what; `namespace: '*'` is a ClusterRole. */
export type KubeRule = {
  readonly user?: string
  readonly namespace: string
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const pathOf = /^\/(?:api\/v1|apis\/([^/]+)\/v1)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/

/** What a request asks, in the words of Kubernetes. */
export function parseKubeRequest(method: string, url: URL, user: string | undefined): KubeRequest {
  const [, group = '', namespace, plural, name] = pathOf.exec(url.pathname) ?? []
  const resource = resources.find((one) => one.plural === plural && one.group === group)
  const watching = /^(1|true)$/.test(url.searchParams.get('watch') ?? '')
  const reading = watching ? 'watch' : name === undefined && resource ? 'list' : 'get'
  const verb = { GET: reading, POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method] ?? method
  return {
    at: performance.now(),
    method,
    path: url.pathname,
    query: url.searchParams,
    verb,
    resource,
    namespace,
    name,
    user,
  }
}

/** Whether a role allows it; without any rules everything is allowed. */
export function isAllowed(
  rules: readonly KubeRule[] | undefined,
  { verb, resource, namespace, user }: KubeRequest,
): boolean {
  if (!rules || !resource) return true
  return rules.some(
    (rule) =>
      (rule.user === undefined || rule.user === user) &&
      (rule.namespace === '*' || rule.namespace === namespace) &&
      rule.resources.includes(resource.plural) &&
      rule.verbs.includes(verb),
  )
}
