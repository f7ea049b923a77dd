import { isTool } from '../../../model/query/capability-kinds.ts'
import { redactServer } from '../../../model/redaction/redact-server.ts'
import { redactText } from '../../../model/redaction/redact-text.ts'
import type { ServerDefinition } from '../../../model/server.ts'
import { requireRole } from '../../http/access/authenticator.ts'
import { receiveBytes } from '../../http/body.ts'
import type { ApiContext } from '../../http/context.ts'
import { assertKnownParameters, isAsked } from '../../http/parameters.ts'
import { Problem } from '../../http/problem.ts'
import { respondJson } from '../../http/respond.ts'
import type { ApiPorts } from '../../ports.ts'
import { createDocumentPlans, type DocumentPlan, maxDocumentBytes, type RefusedWrite } from './document-plan.ts'

/** Maximum number of URLs of one document that are probed. */
const maxProbed = 10

/** What a probe of an entry found. */
type FoundServer = {
  readonly ok: boolean
  readonly reason: string
  readonly response_time_ms: number
  readonly protocol_version?: string
  readonly server_name?: string
  readonly version?: string
  /** Number of tools. */
  readonly tools?: number
  /** A free name, made of the server's own. */
  readonly suggested_name?: string
}
type FoundServers = ReadonlyMap<ServerDefinition, FoundServer>

/**
 * Says what would become of the entries of a document if they were written by hand; writes nothing. `?probe=true` also probes their
 * URLs, with the headers of the document and no others.
 */
export function createPreview(
  ports: Pick<ApiPorts, 'registry' | 'supervisor' | 'manual' | 'probeUnlisted' | 'log'>,
): (c: ApiContext) => Promise<Response> {
  const { plan, freeName } = createDocumentPlans(ports)

  async function probeAll(c: ApiContext, { taken, refused }: DocumentPlan): Promise<FoundServers> {
    const servers = [...taken, ...refused]
      .flatMap(({ definition }) => (definition?.url === undefined || !definition.enabled ? [] : [definition]))
      .slice(0, maxProbed)
    const urls = servers.map(({ url = '' }) => redactText(url))
    ports.log.info({ audit: true, principal: c.env.principal.name, urls }, 'probe of unlisted servers requested')
    const gone = new AbortController()
    c.env.outgoing.once('close', () => gone.abort())
    const outcomes = await ports.probeUnlisted(servers, { reach: ports.manual.source().reach, signal: gone.signal })
    if (!outcomes)
      throw new Problem('probe_limit_reached', 'Other unlisted servers are being probed; none of these was.', {
        headers: { 'retry-after': '5' },
      })
    return new Map(
      servers.map((server, index) => {
        const { ok, reason, response_time_ms, protocol_version, serverName, version, capabilities } = outcomes[index]!
        const found = {
          ok,
          reason,
          response_time_ms,
          ...(protocol_version !== undefined && { protocol_version }),
          ...(serverName !== undefined && { server_name: serverName }),
          ...(version !== undefined && { version }),
          ...(capabilities && { tools: capabilities.filter(isTool).length }),
          ...suggestionOf(server, serverName),
        }
        return [server, found]
      }),
    )
  }

  function suggestionOf({ namespace }: ServerDefinition, serverName: string | undefined): { suggested_name?: string } {
    return serverName === undefined ? {} : { suggested_name: freeName(namespace, serverName) }
  }

  return async (c) => {
    const { url = '' } = c.env.incoming
    requireRole(c.env.principal, 'admin')
    assertKnownParameters(url, ['probe'])
    const isProbed = isAsked(url, 'probe')
    const planned = await plan(c.env.principal, await receiveBytes(c, maxDocumentBytes))
    return respondJson(c, previewOf(planned, isProbed ? await probeAll(c, planned) : new Map()))
  }
}

/** A refused entry as it is answered: without its definition, which may hold secrets. */
export function refusedEntry({ name, where, reason, code }: RefusedWrite): object {
  return { name, where, reason, code }
}

/** A plan as it is answered: without secrets. */
export function previewOf({ taken, refused, leftOff }: DocumentPlan, found: FoundServers = new Map()): object {
  const probeOf = (definition: ServerDefinition | undefined) => {
    const probe = definition && found.get(definition)
    return probe ? { probe } : {}
  }
  return {
    dry_run: true,
    taken: taken.map(({ id, definition, action, where, ignored }) => ({
      action,
      where,
      ignored,
      server: { id, ...redactServer(definition) },
      ...probeOf(definition),
    })),
    refused: refused.map((one) => ({ ...refusedEntry(one), ...probeOf(one.definition) })),
    ...(leftOff > 0 && { left_off: leftOff }),
  }
}
