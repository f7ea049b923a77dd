// Apart from the rules of names, so that the client library needs no zod where it runs.

/** What identifies a server: `namespace/name`. */
export type ServerId = string

export const defaultNamespace = 'default'

export function serverId(namespace: string, name: string): ServerId {
  return `${namespace}/${name}`
}

/** How people and clients call a server: the name alone in the default namespace, else `namespace/name`. */
export function shortId({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return namespace === defaultNamespace ? name : serverId(namespace, name)
}
