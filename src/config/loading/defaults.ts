import path from 'node:path'
import { sourceKinds } from '../../sources/catalogue.ts'
import type { Platform } from './platform.ts'

/** The sources of a daemon without a config, in order of precedence. */
export function defaultSources({ cluster }: Pick<Platform, 'cluster'>): { type: string }[] {
  const available = new Set<string>(sourceKinds.map(({ type }) => type))
  const types = cluster ? ['env', 'file', 'kubernetes', 'agents'] : ['env', 'file', 'agents']
  return types.filter((type) => available.has(type)).map((type) => ({ type }))
}

/** The address that a daemon without a config listens on. A container cannot be reached on its loopback address. */
export function defaultHost({ container, cluster }: Pick<Platform, 'container' | 'cluster'>): {
  host: string
  why?: string
} {
  if (cluster) return { host: '0.0.0.0', why: 'in a cluster' }
  if (container) return { host: '0.0.0.0', why: 'in a container' }
  return { host: 'localhost' }
}

/** Sets the paths of the first `file` source; without one, adds a `file` source in front. */
export function withPaths(sources: unknown, paths: readonly string[], { cwd }: Pick<Platform, 'cwd'>): unknown {
  if (!Array.isArray(sources)) return sources
  const absolutePaths = paths.map((one) => path.resolve(cwd, one))
  const index = sources.findIndex((source: unknown) => isFileSource(source))
  if (index < 0) return [{ type: 'file', paths: absolutePaths }, ...(sources as unknown[])]
  return sources.with(index, { ...(sources[index] as object), paths: absolutePaths })
}

function isFileSource(source: unknown): boolean {
  return typeof source === 'object' && source !== null && 'type' in source && source.type === 'file'
}
