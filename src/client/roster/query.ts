import type { ServerQuery } from '../../model/query/query.ts'
import type { Server } from '../../model/server.ts'

/** Without `fields`: only a list and a watch show parts of servers. */
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

/** The fields of a server that an answer shows. Without it, all of them. */
export type FieldQuery<Field extends keyof Server> = { readonly fields?: Field | readonly Field[] | undefined }

/** Fields that a watch shows always: it tells servers apart by their id, and those of unread sources from those that are gone. */
export type WatchedField = 'id' | 'source'

/** The query string of a request; a list becomes a repeated parameter. */
export function parametersOf(query: object): URLSearchParams {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one))
  }
  return parameters
}
