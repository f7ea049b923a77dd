import type { ServerQuery } from '../model/query/query.ts'

/** `fields` would make servers that are none. */
type Asked = Omit<ServerQuery, 'label_selector' | 'fields'>

/** Which servers, and how they are shown: the parameters of `GET /servers`. All that is given must hold. */
export type ListQuery = {
  readonly [Key in keyof Asked]?:
    | (Asked[Key] extends readonly (infer One)[] ? One | readonly One[] : Asked[Key])
    | undefined
} & {
  /** Conditions on labels, in the grammar of Kubernetes: `env=prod,tier in (a,b),!beta`. */
  readonly label_selector?: string | undefined
}

/** Which servers. */
export type WatchQuery = Omit<ListQuery, 'sort' | 'limit' | 'continue' | 'view'>

/** A query as it stands behind the `?`. */
export function parametersOf(query: ListQuery): URLSearchParams {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one))
  }
  return parameters
}
