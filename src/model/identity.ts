// Separate from `names.ts`, so that the client library does not load zod.

/** The identity of a server: `namespace/name`. */
export type ServerId = string

export const defaultNamespace = 'default'

export function serverId(namespace: string, name: string): ServerId {
  return `${namespace}/${name}`
}

/** The namespace and the name of an id; the name may have slashes, the namespace has none. */
export function serverParts(id: ServerId): readonly [namespace: string, name: string] {
  const slash = id.indexOf('/')
  return [id.slice(0, slash), id.slice(slash + 1)]
}

/** The short id of a server: its name in the default namespace, else `namespace/name`. */
export function shortId({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return namespace === defaultNamespace ? name : serverId(namespace, name)
}
