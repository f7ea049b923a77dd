import { anyForm, type Form, metadataForm } from '../../agents/forms.ts'
import type { Mesh } from '../../agents/mesh.ts'
import { versionIn } from './asked.ts'
import { type Answer, type Post, type Posted, type Posts, toldText } from './posts.ts'

/** `POST /agents/register_with_metadata` and `POST /agents`: an agent announces itself, which counts as a heartbeat. */
export function registering(mesh: Mesh): Posts {
  async function register(form: Form, { caller, header }: Posted, status: number): Promise<Answer> {
    const expected = versionIn(header, mesh.versionOf(form.registration['id']))
    const told = await mesh.register(form, { caller, beats: true, expected })
    const location = `/agents/${encodeURIComponent(told.agent.id)}`
    return { status, headers: { location }, text: toldText(told, 'Agent registered successfully') }
  }

  const bare: Post = (posted) => register(anyForm(posted.body), posted, 200)

  return {
    '/agents/register_with_metadata': (posted) => register(metadataForm(posted.body), posted, 201),
    '/agents/register': bare,
    '/agents': bare,
  }
}
