import { type ServerId, serverId } from '../../model/names.ts'
import { redactServer } from '../../model/redaction/redact.ts'
import type { ServerDefinition } from '../../model/server.ts'
import { ManualConflict, ManualRefused, type ManualServer } from '../../registrations/manual-servers.ts'
import { NotLoadedYet } from '../../registrations/registrations.ts'
import { StoreUnavailable } from '../../stores/store.ts'
import { requireNamespace, requireRole } from '../http/access/authenticator.ts'
import { readJson } from '../http/body.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { preconditionOf } from '../http/preconditions.ts'
import { Problem } from '../http/problem.ts'
import { respond, respondNoContent } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import type { DetailCache } from './detail-cache.ts'
import { definitionIn, type ManualFields, merged, named, objectIn } from './manual-body.ts'
import { serverIdInTarget, unknownServer } from './server-path.ts'

type Expected = Parameters<ApiPorts['manual']['put']>[1]

const maxBodyBytes = 262_144
/** How often a patch is tried again on what somebody else wrote meanwhile. */
const mostTries = 5

/** Servers written by hand: durable, and seen by the very next request. */
export function manualApi({
  details,
  registry,
  manual,
  log,
}: Pick<ApiPorts, 'registry' | 'manual' | 'log'> & { details: DetailCache }) {
  const api = createRoutes()

  async function create(c: ApiContext): Promise<Response> {
    const definition = definitionIn(await bodyOf(c))
    refuseForeign(serverId(definition.namespace, definition.name))
    return write(c, definition, 'none')
  }

  async function replace(c: ApiContext): Promise<Response> {
    const id = wanted(c)
    const fields = await bodyOf(c)
    const before = manual.get(id)
    const definition = definitionIn(named(fields, id), before?.definition)
    refuseForeign(id)
    const expected = preconditionOf((name) => c.req.header(name), fields, before?.stored.resource_version)
    if (expected === 'some' && !before) throw unknownServer(id)
    return write(c, definition, expected === 'some' ? 'any' : expected)
  }

  async function patch(c: ApiContext): Promise<Response> {
    const id = wanted(c)
    const type = c.req.header('content-type') ?? ''
    if (/json-patch|strategic/i.test(type)) {
      const headers = { 'accept-patch': 'application/merge-patch+json' }
      throw new Problem('unsupported_media_type', 'A patch here is a JSON merge patch (RFC 7396).', { headers })
    }
    const changes = await bodyOf(c)
    for (let tries = 1; ; tries += 1) {
      const before = existing(id)
      const definition = definitionIn(named(merged(redactServer(before.definition), changes), id), before.definition)
      const { resource_version: version } = before.stored
      const asked = preconditionOf((name) => c.req.header(name), changes, version)
      const expected = typeof asked === 'object' ? asked : { version }
      try {
        // What nobody expected to be of a certain version is patched as it is by then.
        return await write(c, definition, expected)
      } catch (error) {
        const again = error instanceof Problem && error.status === 409 && typeof asked !== 'object'
        if (!again || tries >= mostTries) throw error
      }
    }
  }

  async function remove(c: ApiContext): Promise<Response> {
    requireRole(c.env.principal, 'admin')
    const id = wanted(c)
    const { definition, stored } = existing(id)
    requireNamespace(c.env.principal, definition.namespace)
    const expected = preconditionOf((name) => c.req.header(name), {}, stored.resource_version)
    const before = registry.token()
    const there = await told(() => manual.remove(id, typeof expected === 'object' ? expected.version : undefined))
    if (!there) throw unknownServer(id)
    audit(c, id, 'a server written by hand was deleted', before)
    return respondNoContent(c)
  }

  async function bodyOf(c: ApiContext): Promise<ManualFields> {
    requireRole(c.env.principal, 'admin')
    return objectIn(await readJson(c, maxBodyBytes))
  }

  function existing(id: ServerId): ManualServer {
    loaded()
    const found = manual.get(id)
    refuseForeign(id)
    if (!found) throw unknownServer(id)
    return found
  }

  /** Does one write, notes who did it, and answers with the server as everybody sees it now. */
  async function write(c: ApiContext, definition: ServerDefinition, expected: Expected): Promise<Response> {
    requireNamespace(c.env.principal, definition.namespace)
    refuseUntrusted(definition)
    loaded()
    if (!manual.isPublished()) throw notNow({ retry_after: 1 })
    const before = registry.token()
    const { server, created } = await told(
      () => manual.put(definition, expected),
      expected === 'none' ? 'server_exists' : undefined,
    )
    audit(c, server.id, `a server was ${created ? 'created' : 'replaced'} by hand`, before)
    const path = pathOf(definition)
    const shown = details.answer(server.id)
    if (!shown) throw manual.get(server.id) ? notShown(server.id) : removed(server.id)
    const { status, headers, body } = shown
    return respond(
      c,
      created ? { status: 201, headers: { ...headers, location: path }, body } : { status, headers, body },
    )
  }

  function audit(c: ApiContext, server: ServerId, message: string, before: string): void {
    log.info({ audit: true, principal: c.env.principal.name, server, before, after: registry.token() }, message)
  }

  function refuseUntrusted({ command }: ServerDefinition): void {
    const { name, enabled, allow_stdio } = manual.source()
    if (!enabled)
      throw new Problem('source_disabled', `The source "${name}" of servers written by hand is disabled in the config.`)
    if (command === undefined || allow_stdio) return
    throw new Problem(
      'stdio_forbidden',
      `Commands that clients start are not taken over HTTP: set allow_stdio: true on the source "${name}".`,
      {
        more: { source: name },
      },
    )
  }

  function refuseForeign(id: ServerId): void {
    const shown = registry.get(id)?.server
    if (!shown || shown.source === manual.source().name) return
    throw new Problem(
      'server_owned_by_source',
      `The server "${id}" comes from the source "${shown.source}" (${shown.origin}): change it there.`,
      {
        more: { source: shown.source, current: currentOf(id) },
      },
    )
  }

  /** What the store or the registrations object to, in the words of HTTP. */
  async function told<T>(
    act: () => Promise<T>,
    conflict: 'server_exists' | 'resource_version_stale' = 'resource_version_stale',
  ): Promise<T> {
    loaded()
    try {
      return await act()
    } catch (error) {
      if (error instanceof ManualRefused) throw new Problem('invalid_definition', `${error.message}.`)
      if (error instanceof StoreUnavailable) throw notNow(error)
      if (!(error instanceof ManualConflict)) throw error
      const { current } = error
      throw new Problem(conflict, `${error.message}.`, {
        more: current ? { current: currentOf(current.id) } : {},
        cause: error,
      })
    }
  }

  function loaded(): void {
    try {
      manual.assertLoaded()
    } catch (error) {
      throw error instanceof NotLoadedYet ? notNow(error) : error
    }
  }

  function currentOf(id: ServerId): unknown {
    const shown = registry.get(id)
    const hidden = manual.get(id)
    return shown
      ? (JSON.parse(shown.json().toString()) as unknown)
      : hidden && { id, ...redactServer(hidden.definition), ...hidden.stored }
  }

  api.post('/', (c) => create(c))
  for (const path of ['/:name', '/:namespace/:name']) {
    api.put(path, (c) => replace(c))
    api.patch(path, (c) => patch(c))
    api.delete(path, (c) => remove(c))
  }
  return api
}

function wanted({ env: { incoming } }: ApiContext): ServerId {
  const id = serverIdInTarget(incoming.url ?? '')
  if (id === null) throw unknownServer(id)
  return id
}

function pathOf({ namespace, name }: ServerDefinition): string {
  return `/servers/${namespace}/${encodeURIComponent(name)}`
}

/** The store refused nothing: it could not be asked. */
function notNow(error: { readonly retry_after: number }): Problem {
  const headers = { 'retry-after': String(Math.max(1, Math.ceil(error.retry_after))) }
  return new Problem('store_unavailable', 'Nothing can be stored now, so nothing was changed. Try again soon.', {
    headers,
    cause: error,
  })
}

function removed(id: ServerId): Problem {
  return new Problem('resource_version_stale', `The server ${id} was removed meanwhile.`)
}

function notShown(id: ServerId): Problem {
  return new Problem('server_pending', `The server "${id}" is stored, but its source does not show it yet.`, {
    headers: { 'retry-after': '1' },
  })
}
