import type { MeshOperations } from '../../agents/mesh-operations.ts'
import {
  parseRegistrationBody,
  type ParsedRegistration,
  parseMetadataRegistration,
} from '../../agents/parsing/bodies.ts'
import { type PostHandler, type PostHandlers, type PostReply, type PostRequest, resultText } from './batched-posts.ts'
import { expectedVersion } from './mesh-request.ts'

/** `POST /agents/register_with_metadata` and `POST /agents`: an agent registers itself, which counts as a heartbeat. */
export function registrationHandlers(mesh: MeshOperations): PostHandlers {
  async function register(
    parsed: ParsedRegistration,
    { principal, header }: PostRequest,
    status: number,
  ): Promise<PostReply> {
    const expected = await expectedVersion(header, mesh, parsed.registration['id'])
    const result = await mesh.register(parsed, { principal, countsAsHeartbeat: true, expectedVersion: expected })
    const location = `/agents/${encodeURIComponent(result.agent.id)}`
    return { status, headers: { location }, text: resultText(result, 'Agent registered successfully') }
  }

  const plain: PostHandler = (request) => register(parseRegistrationBody(request.body), request, 200)

  return {
    '/agents/register_with_metadata': (request) => register(parseMetadataRegistration(request.body), request, 201),
    '/agents/register': plain,
    '/agents': plain,
  }
}
