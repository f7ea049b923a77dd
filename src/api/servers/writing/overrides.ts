import * as z from 'zod'
import type { ServerId } from '../../../model/names.ts'
import { TooManyOverrides } from '../../../registrations/overrides.ts'
import { NotLoadedYet } from '../../../registrations/registrations.ts'
import { StoreUnavailable } from '../../../stores/store.ts'
import { requireNamespace, requireRole } from '../../http/access/authenticator.ts'
import { readJson } from '../../http/body.ts'
import { type ApiContext, type ApiResponse, createRoutes } from '../../http/context.ts'
import { assertKnownParameters, isDryRun } from '../../http/parameters.ts'
import { Problem } from '../../http/problem.ts'
import { respondJson, respondNoContent } from '../../http/respond.ts'
import type { ApiPorts } from '../../ports.ts'
import { overriddenServerId, unknownServer } from '../server-path.ts'
import { storeUnavailable } from './manual-problems.ts'

const maxBodyBytes = 4096

const OverrideBody = z.strictObject({ enabled: z.boolean() })

type OverridePorts = Pick<ApiPorts, 'registry' | 'manual' | 'overrides' | 'journal' | 'log'>

/** Enables or disables servers of any source, above what the sources say. */
export function overridesApi({ registry, manual, overrides, journal, log }: OverridePorts) {
  const api = createRoutes()

  function list(c: ApiContext): ApiResponse {
    assertKnownParameters(c.env.incoming.url ?? '')
    assertLoaded()
    const found = overrides
      .list()
      .map(({ id, override }) => ({ id, ...override, present: registry.get(id) !== undefined }))
    return respondJson(c, { overrides: found, count: found.length })
  }

  async function set(c: ApiContext): Promise<Response> {
    const id = requireWritable(c)
    const { enabled } = parseBody(await readJson(c, maxBodyBytes))
    assertLoaded()
    if (!registry.get(id) && !manual.get(id) && !overrides.get(id)) throw unknownServer(id)
    const content = { enabled, by: c.env.principal.name }
    if (isDryRun(c.env.incoming.url ?? '')) {
      await withProblems(async () => overrides.assertRoom(id))
      const known = overrides.get(id)
      const action = !known ? 'create' : known.enabled === enabled ? 'none' : 'replace'
      return respondJson(c, { dry_run: true, action, id, override: content })
    }
    const before = registry.token()
    const override = await withProblems(() => overrides.set(id, content))
    audit(c, id, `server ${enabled ? 'enabled' : 'disabled'} by an override`, before)
    return respondJson(c, { id, override })
  }

  async function remove(c: ApiContext): Promise<Response> {
    const id = requireWritable(c)
    assertLoaded()
    if (isDryRun(c.env.incoming.url ?? '')) {
      const override = overrides.get(id)
      if (!override) throw noOverride(id)
      return respondJson(c, { dry_run: true, action: 'delete', id, override })
    }
    const before = registry.token()
    if (!(await withProblems(() => overrides.remove(id)))) throw noOverride(id)
    audit(c, id, 'override of a server removed', before)
    return respondNoContent(c)
  }

  /** The server in the path; throws where the caller may not change it. */
  function requireWritable({ env: { principal, incoming } }: ApiContext): ServerId {
    const { url = '' } = incoming
    requireRole(principal, 'admin')
    assertKnownParameters(url, ['dry_run'])
    isDryRun(url)
    const id = overriddenServerId(url)
    if (id === null) throw unknownServer(id)
    requireNamespace(principal, id.slice(0, id.indexOf('/')))
    return id
  }

  function audit(c: ApiContext, server: ServerId, message: string, before: string): void {
    journal.attribute(server, c.env.principal.name)
    log.info({ audit: true, principal: c.env.principal.name, server, before, after: registry.token() }, message)
  }

  async function withProblems<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      if (error instanceof StoreUnavailable) throw storeUnavailable(error)
      if (!(error instanceof TooManyOverrides)) throw error
      throw new Problem('override_limit_reached', `Nothing changed: ${error.message}.`)
    }
  }

  function assertLoaded(): void {
    try {
      manual.assertLoaded()
    } catch (error) {
      throw error instanceof NotLoadedYet ? storeUnavailable(error) : error
    }
  }

  api.get('/overrides', list)
  api.put('/servers/:namespace/:name/override', (c) => set(c))
  api.delete('/servers/:namespace/:name/override', (c) => remove(c))
  return api
}

function noOverride(id: ServerId): Problem {
  return new Problem('override_not_found', `The server "${id}" has no override.`)
}

function parseBody(body: unknown): z.output<typeof OverrideBody> {
  const parsed = OverrideBody.safeParse(body)
  if (parsed.success) return parsed.data
  throw new Problem(
    'invalid_override',
    'The body must be { "enabled": true } or { "enabled": false }, and nothing else.',
  )
}
