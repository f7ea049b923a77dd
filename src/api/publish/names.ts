import { hash } from 'node:crypto'
import { defaultNamespace, Namespace, type ServerId, serverId, ServerName } from '../../model/names.ts'
import type { Server } from '../../model/server.ts'

/** What the official registry takes for a name: a reversed domain, one slash, and the rest. */
const official = /^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/
const longest = 200

/** A name that was cut ends so, and is looked for instead of being worked out. */
const cut = /_h[0-9a-f]{16}$/

export type Names = ReturnType<typeof createNames>

/** The DNS domain in whose name servers are published unless the config says it: the registry's own name, made fit. */
export function domainFor(registry: string): string {
  const labels = registry
    .toLowerCase()
    .split('.')
    .map((label) => label.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, ''))
    .filter((label) => label !== '')
    .map((label) => label.slice(0, 63))
  if (labels.length === 0) return 'mcp-roster.internal'
  return labels.length === 1 ? `${labels[0]}.internal` : labels.join('.')
}

/**
 * How servers are called where names must be `reverse.dns/name`, and the way back.
 *
 * A name of the default namespace that is such a name already stays as it is. Every other becomes
 * `<reversed domain>/<name>`, or `<reversed domain>.<namespace>/<name>`, with what may not stand there as `_x20_`. Two
 * servers never have the same name, and a server always has the same one.
 */
export function createNames({ domain }: { domain: string }) {
  const prefix = domain.toLowerCase().split('.').toReversed().join('.')

  function namespaceIn(authority: string): string | undefined {
    if (authority === prefix) return defaultNamespace
    if (!authority.startsWith(`${prefix}.`)) return undefined
    const rest = authority.slice(prefix.length + 1)
    return rest !== defaultNamespace && Namespace.safeParse(rest).success ? rest : undefined
  }

  /** What a server is called. */
  function nameOf({ namespace, name }: Pick<Server, 'namespace' | 'name'>): string {
    const isOwn = namespaceIn(name.slice(0, name.indexOf('/'))) !== undefined
    if (namespace === defaultNamespace && !isOwn && name.length <= longest && official.test(name) && !cut.test(name))
      return name
    const authority = namespace === defaultNamespace ? prefix : `${prefix}.${namespace}`
    const whole = `${authority}/${escaped(name)}`
    if (whole.length <= longest && !cut.test(whole)) return whole
    const mark = `_h${hash('sha256', serverId(namespace, name)).slice(0, 16)}`
    return whole.slice(0, longest - mark.length) + mark
  }

  /** The server that is called so; `search` finds one whose name had to be cut. */
  function idOf(published: string, search: (holds: (id: ServerId, named: Named) => boolean) => ServerId | undefined) {
    if (published.length > longest || !official.test(published)) return undefined
    if (cut.test(published)) return search((_, named) => nameOf(named) === published)
    const slash = published.indexOf('/')
    const namespace = namespaceIn(published.slice(0, slash))
    const named =
      namespace === undefined
        ? { namespace: defaultNamespace, name: published }
        : { namespace, name: unescaped(published.slice(slash + 1)) }
    if (!ServerName.safeParse(named.name).success || nameOf(named) !== published) return undefined
    return serverId(named.namespace, named.name)
  }

  return { domain: domain.toLowerCase(), nameOf, idOf }
}

type Named = Pick<Server, 'namespace' | 'name'>

/** `_` before `x` is written out too, so that nothing in a name can be taken for an escape. */
function escaped(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9._-]|_(?=x)/gu, (sign) => `_x${sign.codePointAt(0)?.toString(16)}_`)
}

function unescaped(name: string): string {
  return name.replaceAll(/_x([0-9a-f]{1,6})_/g, (all, code: string) => {
    const point = Number.parseInt(code, 16)
    return point <= 0x10_ff_ff ? String.fromCodePoint(point) : all
  })
}
