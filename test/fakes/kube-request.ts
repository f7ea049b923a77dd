import { type KubeResource, kubeResources } from './kube-resources.ts'

/** One request as the fake API server parsed it. */
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

/** Access of a user, or of every user; `namespace: '*'` is a ClusterRole. */
export type AccessRule = {
  readonly user?: string
  readonly namespace: string
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const resourcePath = /^\/(?:api\/v1|apis\/([^/]+)\/v1)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/

/** Parses verb, resource, namespace and name of a request. */
export function parseKubeRequest(method: string, url: URL, user: string | undefined): KubeRequest {
  const [, group = '', namespace, plural, name] = resourcePath.exec(url.pathname) ?? []
  const resource = kubeResources.find((kind) => kind.plural === plural && kind.group === group)
  const isWatch = /^(1|true)$/.test(url.searchParams.get('watch') ?? '')
  const readVerb = isWatch ? 'watch' : name === undefined && resource ? 'list' : 'get'
  const verb = { GET: readVerb, POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method] ?? method
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

/** Whether a rule allows the request; without rules every request is allowed. */
export function isAllowed(
  rules: readonly AccessRule[] | undefined,
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
