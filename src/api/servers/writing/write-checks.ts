import type { ServerId } from '../../../model/names.ts'
import { redactServer } from '../../../model/redaction/redact-server.ts'
import { redactText } from '../../../model/redaction/redact-text.ts'
import type { Server, ServerDefinition } from '../../../model/server.ts'
import { ManualConflict, UnstorableDefinition } from '../../../registrations/manual-servers.ts'
import { NotLoadedYet } from '../../../registrations/registrations.ts'
import { StoreUnavailable } from '../../../stores/store.ts'
import { Problem } from '../../http/problem.ts'
import type { ApiPorts } from '../../ports.ts'
import { storeUnavailable } from './manual-problems.ts'

/** Why a server may not be written by hand, as problems. */
export function createWriteChecks({
  registry,
  supervisor,
  manual,
}: Pick<ApiPorts, 'registry' | 'supervisor' | 'manual'>) {
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

  return { assertAllowed, assertNotOutranked, assertOwnedHere, assertLoaded, withProblems }
}
