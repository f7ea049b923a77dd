import type { MeshOperations } from '../../agents/mesh-operations.ts'
import {
  parseRegistrationBody,
  type ParsedRegistration,
  parseMetadataRegistration,
} from '../../agents/parsing/bodies.ts'
import { type PostReply, type Post, type Posted, type Posts, toldText } from './batched-posts.ts'
import { versionIn } from './mesh-request.ts'

/** `POST /agents/register_with_metadata` and `POST /agents`: an agent announces itself, which counts as a heartbeat. */
export function registering(mesh: MeshOperations): Posts {
  async function register(form: ParsedRegistration, { caller, header }: Posted, status: number): Promise<PostReply> {
    const expected = versionIn(header, mesh.versionOf(form.registration['id']))
    const told = await mesh.register(form, { principal: caller, countsAsHeartbeat: true, expectedVersion: expected })
    const location = `/agents/${encodeURIComponent(told.agent.id)}`
    return { status, headers: { location }, text: toldText(told, 'Agent registered successfully') }
  }

  const bare: Post = (posted) => register(parseRegistrationBody(posted.body), posted, 200)

  return {
    '/agents/register_with_metadata': (posted) => register(parseMetadataRegistration(posted.body), posted, 201),
    '/agents/register': bare,
    '/agents': bare,
  }
}
