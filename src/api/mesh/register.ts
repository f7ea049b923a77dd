import type { Agent } from '../../agents/agent.ts'
import { anyForm, type Form, metadataForm } from '../../agents/forms.ts'
import type { Mesh, Told } from '../../agents/mesh.ts'
import type { ApiContext } from '../respond.ts'
import { bodyOf, callerOf, respondWith, versionIn } from './asked.ts'

/** `POST /agents/register_with_metadata` and `POST /agents`: an agent announces itself, which counts as a heartbeat. */
export function registering(mesh: Mesh) {
  async function register(c: ApiContext, form: Form, status: number): Promise<Response> {
    const expected = versionIn(c, undefined)
    const told = await mesh.register(form, { caller: callerOf(c), beats: true, expected })
    const location = `/agents/${encodeURIComponent(told.agent.id)}`
    return respondWith(c, registered(told), { status, headers: { location } })
  }

  return {
    withMetadata: async (c: ApiContext) => register(c, metadataForm(await bodyOf(c)), 201),
    bare: async (c: ApiContext) => register(c, anyForm(await bodyOf(c)), 200),
  }
}

function registered({ agent, dependencies }: Told): object {
  return { ...success(agent), message: 'Agent registered successfully', ...resolved(dependencies) }
}

export function success(agent: Agent): object {
  const { resource_version } = agent.stored
  return { status: 'success', agent_id: agent.id, resource_version, timestamp: new Date().toISOString() }
}

export function resolved(dependencies: Told['dependencies']): object {
  return dependencies ? { dependencies_resolved: dependencies } : {}
}
