import type { Mesh } from '../../agents/mesh.ts'
import type { Log } from '../../log.ts'
import type { Front } from '../hot.ts'
import { beating, renewing } from './heartbeat.ts'
import { createPosts, type Posts } from './posts.ts'
import { registering } from './register.ts'

/** What a mesh of thousands asks most, answered before the router. */
export function meshFronts({ mesh, log }: { mesh: Mesh; log: Pick<Log, 'error'> }): readonly Front[] {
  return [createPosts({ posts: postsOf(mesh), mesh, log }).front, renewing({ mesh, log })]
}

export function postsOf(mesh: Mesh): Posts {
  return { ...beating(mesh), ...registering(mesh) }
}
