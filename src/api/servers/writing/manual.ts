import { isDeepStrictEqual } from 'node:util'
import { isJsonObject } from '../../../model/data/json-object.ts'
import { type ServerId, serverId } from '../../../model/names.ts'
import { redactServer } from '../../../model/redaction/redact-server.ts'
import type { ServerDefinition } from '../../../model/server.ts'
import type { ManualServer } from '../../../registrations/manual-servers.ts'
import { requireNamespace, requireRole } from '../../http/access/authenticator.ts'
import { readJson } from '../../http/body.ts'
import { type ApiContext, createRoutes } from '../../http/context.ts'
import { assertKnownParameters, isDryRun } from '../../http/parameters.ts'
import { preconditionOf } from '../../http/preconditions.ts'
import { Problem } from '../../http/problem.ts'
import { respond, respondJson, respondNoContent } from '../../http/respond.ts'
import type { ApiPorts } from '../../ports.ts'
import type { DetailCache } from '../detail-cache.ts'
import { serverIdInTarget, unknownServer } from '../server-path.ts'
import { type ManualFields, mergePatch, parseDefinition, requireDefinition, withPathName } from './manual-body.ts'
import { serverPending, serverRemoved, storeUnavailable, unsupportedPatch } from './manual-problems.ts'
import { createWriteChecks } from './write-checks.ts'

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
  const { assertAllowed, assertNotOutranked, assertOwnedHere, assertLoaded, withProblems } = createWriteChecks({
    registry,
    supervisor,
    manual,
  })

  async function create(c: ApiContext): Promise<Response> {
    const definition = parseDefinition(await readFields(c))
    assertNotOutranked(serverId(definition.namespace, definition.name))
    return write(c, definition, 'none')
  }

  async function replace(c: ApiContext): Promise<Response> {
    const id = requireServerId(c)
    const fields = await readFields(c)
    return rewrite(c, id, fields, (before) => {
      const named = withPathName(withoutOverride(fields, before), id)
      const definition = parseDefinition(named, before && existing(c, before))
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
      const precondition = preconditionOf((name) => c.req.header(name), fields, before?.stored.resource_version)
      // Before the definition: what it keeps of the version that the client names may be gone.
      if (typeof precondition === 'object') {
        if (before) requireNamespace(c.env.principal, before.definition.namespace)
        await withProblems(() => manual.rehearseRemoval(id, precondition.version))
      }
      const definition = definitionOf(before)
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
    assertMayWrite(c)
    const id = requireServerId(c)
    const { definition, stored } = requireExisting(id, await withProblems(() => manual.read(id)))
    requireNamespace(c.env.principal, definition.namespace)
    const expected = preconditionOf((name) => c.req.header(name), {}, stored.resource_version)
    const version = typeof expected === 'object' ? expected.version : undefined
    if (isDryRun(c.env.incoming.url ?? '')) {
      await withProblems(() => manual.rehearseRemoval(id, version))
      return respondJson(c, dryRunAnswer('delete', definition))
    }
    const before = registry.token()
    const isRemoved = await withProblems(() => manual.remove(id, version))
    if (!isRemoved) throw unknownServer(id)
    audit(c, id, 'manual server deleted', before)
    return respondNoContent(c)
  }

  async function readFields(c: ApiContext): Promise<ManualFields> {
    assertMayWrite(c)
    return requireDefinition(await readJson(c, maxBodyBytes))
  }

  function requireExisting(id: ServerId, server: ManualServer | undefined): ManualServer {
    assertOwnedHere(id)
    if (!server) throw unknownServer(id)
    return server
  }

  /** Stores a definition, audits the write and answers with the server as the registry shows it; a dry run does none of it. */
  async function write(c: ApiContext, definition: ServerDefinition, expected: Expected): Promise<Response> {
    requireNamespace(c.env.principal, definition.namespace)
    assertAllowed(definition)
    assertLoaded()
    if (!manual.isPublished()) throw storeUnavailable({ retry_after: 1 })
    const conflict = expected === 'none' ? 'server_exists' : undefined
    if (isDryRun(c.env.incoming.url ?? '')) {
      const action = await withProblems(() => manual.rehearsePut(definition, expected), conflict)
      return respondJson(c, dryRunAnswer(action, definition))
    }
    const before = registry.token()
    const { server, created } = await withProblems(() => manual.put(definition, expected), conflict)
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

  api.post('/', (c) => create(c))
  for (const path of ['/:name', '/:namespace/:name']) {
    api.put(path, (c) => replace(c))
    api.patch(path, (c) => patch(c))
    api.delete(path, (c) => remove(c))
  }
  return api
}

/** The action of a write, `none` where the server is so already, and the server that it would make or remove, redacted. */
function dryRunAnswer(action: 'create' | 'replace' | 'delete' | 'none', definition: ServerDefinition): object {
  const id = serverId(definition.namespace, definition.name)
  return { dry_run: true, action, server: { id, ...redactServer(definition) } }
}

/** Throws before the body is read; also for a `dry_run` that could be meant either way. */
function assertMayWrite({ env: { principal, incoming } }: ApiContext): void {
  requireRole(principal, 'admin')
  assertKnownParameters(incoming.url ?? '', ['dry_run'])
  isDryRun(incoming.url ?? '')
}

function existing({ env: { principal } }: ApiContext, { definition }: ManualServer) {
  return { definition, mayMove: principal.secrets }
}

/** What an override says is shown as `enabled`. Sent back as it was read, it is not what the definition says. */
function withoutOverride(fields: ManualFields, before: ManualServer | undefined): ManualFields {
  const { override, enabled } = fields
  if (!before || !isJsonObject(override) || override['enabled'] !== enabled) return fields
  return { ...fields, enabled: before.definition.enabled }
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
