import type { MeshOperations } from '../../agents/mesh-operations.ts'
import type { Log } from '../../log.ts'
import type { Front } from '../servers/fast-path.ts'
import { createPosts, type Posts } from './batched-posts.ts'
import { beating, renewing } from './heartbeat.ts'
import { registering } from './register.ts'

/** What a mesh of thousands asks most, answered before the router. */
export function meshFronts({ mesh, log }: { mesh: MeshOperations; log: Pick<Log, 'error'> }): readonly Front[] {
  return [createPosts({ posts: postsOf(mesh), mesh, log }).front, renewing({ mesh, log })]
}

export function postsOf(mesh: MeshOperations): Posts {
  return { ...beating(mesh), ...registering(mesh) }
}
