import { hash } from 'node:crypto'
import { defaultNamespace, Namespace, type ServerId, serverId, ServerName } from '../../model/names.ts'
import type { Server } from '../../model/server.ts'

/** A name of the official registry: a reversed domain, one slash, and the rest. */
const officialName = /^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/
const maxNameLength = 200

/** The end of a shortened name: a hash. Such a name is found by search, since it cannot be decoded. */
const shortenedEnd = /_h[0-9a-f]{16}$/

type NamespacedName = Pick<Server, 'namespace' | 'name'>

/** The default DNS domain of published names: the name of the registry, made a valid domain. */
export function domainFor(registry: string): string {
  const labels = registry
    .toLowerCase()
    .split('.')
    .map((label) => label.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|(?<!-)-+$/g, ''))
    .filter((label) => label !== '')
    .map((label) => label.slice(0, 63))
  if (labels.length === 0) return 'mcp-roster.internal'
  return labels.length === 1 ? `${labels[0]}.internal` : labels.join('.')
}

/**
 * Maps servers to names of the form `reverse.dns/name`, and back.
 *
 * A name of the default namespace that has this form stays. Every other becomes `<reversed domain>/<name>`, or
 * `<reversed domain>.<namespace>/<name>`, with invalid characters written as `_x20_`. No two servers share a name, and the
 * name of a server never changes.
 */
export function createPublishedNames({ domain }: { domain: string }) {
  const prefix = domain.toLowerCase().split('.').toReversed().join('.')

  function namespaceIn(authority: string): string | undefined {
    if (authority === prefix) return defaultNamespace
    if (!authority.startsWith(`${prefix}.`)) return undefined
    const namespace = authority.slice(prefix.length + 1)
    return namespace !== defaultNamespace && Namespace.safeParse(namespace).success ? namespace : undefined
  }

  /** The published name of a server. */
  function nameOf({ namespace, name }: NamespacedName): string {
    const hasPrefix = namespaceIn(name.slice(0, name.indexOf('/'))) !== undefined
    const isOfficial = name.length <= maxNameLength && officialName.test(name) && !shortenedEnd.test(name)
    if (namespace === defaultNamespace && !hasPrefix && isOfficial) return name
    const authority = namespace === defaultNamespace ? prefix : `${prefix}.${namespace}`
    const whole = `${authority}/${escaped(name)}`
    if (whole.length <= maxNameLength && !shortenedEnd.test(whole)) return whole
    const end = `_h${hash('sha256', serverId(namespace, name)).slice(0, 16)}`
    return whole.slice(0, maxNameLength - end.length) + end
  }

  /** The id of the server with a published name. `search` returns the first server that satisfies its predicate. */
  function idOf(
    published: string,
    search: (predicate: (id: ServerId, server: NamespacedName) => boolean) => ServerId | undefined,
  ): ServerId | undefined {
    if (published.length > maxNameLength || !officialName.test(published)) return undefined
    if (shortenedEnd.test(published)) return search((_, server) => nameOf(server) === published)
    const slash = published.indexOf('/')
    const namespace = namespaceIn(published.slice(0, slash))
    const server =
      namespace === undefined
        ? { namespace: defaultNamespace, name: published }
        : { namespace, name: unescaped(published.slice(slash + 1)) }
    if (!ServerName.safeParse(server.name).success || nameOf(server) !== published) return undefined
    return serverId(server.namespace, server.name)
  }

  return { domain: domain.toLowerCase(), nameOf, idOf }
}

/** `_` before `x` is escaped too, so that no part of a name reads as an escape. */
function escaped(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9._-]|_(?=x)/gu, (character) => `_x${character.codePointAt(0)?.toString(16)}_`)
}

function unescaped(name: string): string {
  return name.replaceAll(/_x([0-9a-f]{1,6})_/g, (escape, code: string) => {
    const codePoint = Number.parseInt(code, 16)
    return codePoint <= 0x10_ff_ff ? String.fromCodePoint(codePoint) : escape
  })
}
