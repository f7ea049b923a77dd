import type { ServerQuery } from '../../model/query/query.ts'

/** Without `fields`: its answers would not be complete servers. */
type QueryFields = Omit<ServerQuery, 'label_selector' | 'fields'>

/** The parameters of `GET /servers`. Filters are combined with AND. */
export type ListQuery = {
  readonly [Key in keyof QueryFields]?:
    | (QueryFields[Key] extends readonly (infer One)[] ? One | readonly One[] : QueryFields[Key])
    | undefined
} & {
  /** Label selector in the Kubernetes grammar: `env=prod,tier in (a,b),!beta`. */
  readonly label_selector?: string | undefined
}

/** The filters of a watch. */
export type WatchQuery = Omit<ListQuery, 'sort' | 'limit' | 'continue' | 'view'>

/** The query string of a request; a list becomes a repeated parameter. */
export function parametersOf(query: object): URLSearchParams {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one))
  }
  return parameters
}
