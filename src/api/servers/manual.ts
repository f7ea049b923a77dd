import { isDeepStrictEqual } from 'node:util'
import { type ServerId, serverId } from '../../model/names.ts'
import { redactServer } from '../../model/redaction/redact-server.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { Server, ServerDefinition } from '../../model/server.ts'
import { ManualConflict, UnstorableDefinition, type ManualServer } from '../../registrations/manual-servers.ts'
import { NotLoadedYet } from '../../registrations/registrations.ts'
import { StoreUnavailable } from '../../stores/store.ts'
import { requireNamespace, requireRole } from '../http/access/authenticator.ts'
import { readJson } from '../http/body.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { assertKnownParameters } from '../http/parameters.ts'
import { preconditionOf } from '../http/preconditions.ts'
import { Problem } from '../http/problem.ts'
import { respond, respondNoContent } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import type { DetailCache } from './detail-cache.ts'
import { type ManualFields, mergePatch, parseDefinition, requireDefinition, withPathName } from './manual-body.ts'
import { serverPending, serverRemoved, storeUnavailable, unsupportedPatch } from './manual-problems.ts'
import { serverIdInTarget, unknownServer } from './server-path.ts'

type Expected = Parameters<ApiPorts['manual']['put']>[1]

const maxBodyBytes = 262_144
/** Maximum attempts of a write that meets concurrent ones. */
const maxAttempts = 5

/** Manual servers: durable, and visible to the next request. */
export function manualApi({
  details,
  registry,
  supervisor,
  manual,
  journal,
  log,
}: Pick<ApiPorts, 'registry' | 'supervisor' | 'manual' | 'journal' | 'log'> & { details: DetailCache }) {
  const api = createRoutes()

  async function create(c: ApiContext): Promise<Response> {
    const definition = parseDefinition(await readFields(c))
    assertNotOutranked(serverId(definition.namespace, definition.name))
    return write(c, definition, 'none')
  }

  async function replace(c: ApiContext): Promise<Response> {
    const id = requireServerId(c)
    const fields = await readFields(c)
    return rewrite(c, id, fields, (before) => {
      const definition = parseDefinition(withPathName(fields, id), before && existing(c, before))
      assertNotOutranked(id)
      return definition
    })
  }

  async function patch(c: ApiContext): Promise<Response> {
    const id = requireServerId(c)
    const type = c.req.header('content-type') ?? ''
    if (/json-patch|strategic/i.test(type)) throw unsupportedPatch()
    const changes = await readFields(c)
    return rewrite(c, id, changes, (before) => {
      const server = requireExisting(id, before)
      const merged = withPathName(mergePatch(redactServer(server.definition), changes), id)
      return parseDefinition(merged, existing(c, server))
    })
  }

  /**
   * Writes what `definitionOf` makes of the stored server. Where another write came first, it is made again of the server as it is
   * then, unless the client named a version.
   */
  async function rewrite(
    c: ApiContext,
    id: ServerId,
    fields: ManualFields,
    definitionOf: (before: ManualServer | undefined) => ServerDefinition,
  ): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const before = await withProblems(() => manual.read(id))
      const definition = definitionOf(before)
      const precondition = preconditionOf((name) => c.req.header(name), fields, before?.stored.resource_version)
      if (precondition === 'some' && !before) throw unknownServer(id)
      const isOpen = precondition === 'any' || precondition === 'some'
      const isSame = before && isDeepStrictEqual(before.definition, definition)
      const expected = isOpen && !isSame ? conditionOf(before) : precondition
      try {
        return await write(c, definition, expected === 'some' ? 'any' : expected)
      } catch (error) {
        const isRetryable = error instanceof Problem && error.status === 409 && isOpen
        if (!isRetryable || attempt >= maxAttempts) throw error
      }
    }
  }

  async function remove(c: ApiContext): Promise<Response> {
    requireRole(c.env.principal, 'admin')
    assertKnownParameters(c.env.incoming.url ?? '')
    const id = requireServerId(c)
    const { definition, stored } = requireExisting(id, await withProblems(() => manual.read(id)))
    requireNamespace(c.env.principal, definition.namespace)
    const expected = preconditionOf((name) => c.req.header(name), {}, stored.resource_version)
    const before = registry.token()
    const isRemoved = await withProblems(() =>
      manual.remove(id, typeof expected === 'object' ? expected.version : undefined),
    )
    if (!isRemoved) throw unknownServer(id)
    audit(c, id, 'manual server deleted', before)
    return respondNoContent(c)
  }

  async function readFields(c: ApiContext): Promise<ManualFields> {
    requireRole(c.env.principal, 'admin')
    assertKnownParameters(c.env.incoming.url ?? '')
    return requireDefinition(await readJson(c, maxBodyBytes))
  }

  function requireExisting(id: ServerId, server: ManualServer | undefined): ManualServer {
    assertOwnedHere(id)
    if (!server) throw unknownServer(id)
    return server
  }

  /** Stores a definition, audits the write and answers with the server as the registry shows it. */
  async function write(c: ApiContext, definition: ServerDefinition, expected: Expected): Promise<Response> {
    requireNamespace(c.env.principal, definition.namespace)
    assertAllowed(definition)
    assertLoaded()
    if (!manual.isPublished()) throw storeUnavailable({ retry_after: 1 })
    const before = registry.token()
    const { server, created } = await withProblems(
      () => manual.put(definition, expected),
      expected === 'none' ? 'server_exists' : undefined,
    )
    audit(c, server.id, `manual server ${created ? 'created' : 'replaced'}`, before)
    const path = pathOf(definition)
    const reply = details.answer(server.id)
    if (!reply) throw manual.get(server.id) ? serverPending(server.id) : serverRemoved(server.id)
    const { status, headers, body } = reply
    return respond(
      c,
      created ? { status: 201, headers: { ...headers, location: path }, body } : { status, headers, body },
    )
  }

  function audit(c: ApiContext, server: ServerId, message: string, before: string): void {
    journal.attribute(server, c.env.principal.name)
    log.info({ audit: true, principal: c.env.principal.name, server, before, after: registry.token() }, message)
  }

  function assertAllowed({ command }: ServerDefinition): void {
    const { name, enabled, allow_stdio } = manual.source()
    if (!enabled)
      throw new Problem('source_disabled', `The source "${name}" of manual servers is disabled in the config.`)
    if (command === undefined || allow_stdio) return
    throw new Problem(
      'stdio_forbidden',
      `Commands are not accepted over HTTP. To allow them, set allow_stdio: true on the source "${name}".`,
      {
        more: { source: name },
      },
    )
  }

  /** Throws for a server that a source of higher precedence shows. One of lower precedence, such as an agent, is shadowed. */
  function assertNotOutranked(id: ServerId): void {
    const names = supervisor.names()
    const server = registry.get(id)?.server
    if (server && names.indexOf(server.source) < names.indexOf(manual.source().name)) throw ownedElsewhere(id, server)
  }

  function assertOwnedHere(id: ServerId): void {
    const server = registry.get(id)?.server
    if (server && server.source !== manual.source().name) throw ownedElsewhere(id, server)
  }

  function ownedElsewhere(id: ServerId, server: Server): Problem {
    return new Problem(
      'server_owned_by_source',
      `The server "${id}" belongs to the source "${server.source}" (${redactText(server.origin)}); change it there.`,
      {
        more: { source: server.source, current: currentOf(id) },
      },
    )
  }

  /** Turns the errors of the store and of the registrations into problems. */
  async function withProblems<T>(
    act: () => Promise<T>,
    conflict: 'server_exists' | 'resource_version_stale' = 'resource_version_stale',
  ): Promise<T> {
    assertLoaded()
    try {
      return await act()
    } catch (error) {
      if (error instanceof UnstorableDefinition) throw new Problem('invalid_definition', `${error.message}.`)
      if (error instanceof StoreUnavailable) throw storeUnavailable(error)
      if (!(error instanceof ManualConflict)) throw error
      const { current } = error
      throw new Problem(conflict, `${error.message}.`, {
        more: current ? { current: currentOf(current.id) } : {},
        cause: error,
      })
    }
  }

  function assertLoaded(): void {
    try {
      manual.assertLoaded()
    } catch (error) {
      throw error instanceof NotLoadedYet ? storeUnavailable(error) : error
    }
  }

  function currentOf(id: ServerId): unknown {
    const visible = registry.get(id)
    const hidden = manual.get(id)
    return visible
      ? (JSON.parse(visible.json().toString()) as unknown)
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

function existing({ env: { principal } }: ApiContext, { definition }: ManualServer) {
  return { definition, mayMove: principal.secrets }
}

function conditionOf(before: ManualServer | undefined): Expected {
  return before ? { version: before.stored.resource_version } : 'none'
}

function requireServerId({ env: { incoming } }: ApiContext): ServerId {
  const id = serverIdInTarget(incoming.url ?? '')
  if (id === null) throw unknownServer(id)
  return id
}

function pathOf({ namespace, name }: ServerDefinition): string {
  return `/servers/${namespace}/${encodeURIComponent(name)}`
}
