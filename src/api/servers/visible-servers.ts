import type { Principal } from '../../model/principal.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import { requireNamespace } from '../http/access/authenticator.ts'

/** An empty list of namespaces would be no filter; no server has this one. */
const noNamespace = ['']

/**
 * The query, limited to the namespaces of the principal.
 *
 * @throws {Problem} 403 for a namespace that the principal may not use.
 */
export function visibleTo(principal: Principal, query: ServerQuery): ServerQuery {
  const { namespaces } = principal
  for (const namespace of query.namespace) requireNamespace(principal, namespace)
  if (!namespaces || query.namespace.length > 0) return query
  return { ...query, namespace: namespaces.length > 0 ? namespaces.toSorted() : noNamespace }
}
