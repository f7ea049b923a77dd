import path from 'node:path'
import { sourceKinds } from '../../sources/catalogue.ts'
import type { Platform } from './platform.ts'

/** What a daemon that nobody configured looks at. The order is precedence. */
export function defaultSources({ cluster }: Pick<Platform, 'cluster'>): { type: string }[] {
  const known = new Set<string>(sourceKinds.map(({ type }) => type))
  const usual = cluster ? ['env', 'file', 'kubernetes', 'agents'] : ['env', 'file', 'agents']
  return usual.filter((type) => known.has(type)).map((type) => ({ type }))
}

/** The address a daemon that nobody configured listens on: a container's loopback is of no use to anybody. */
export function defaultHost({ container, cluster }: Pick<Platform, 'container' | 'cluster'>): {
  host: string
  why?: string
} {
  if (cluster) return { host: '0.0.0.0', why: 'in a cluster' }
  if (container) return { host: '0.0.0.0', why: 'in a container' }
  return { host: 'localhost' }
}

/** The sources with `paths` in place of those of the first `file` source; one is put in front where there is none. */
export function withPaths(sources: unknown, paths: readonly string[], { cwd }: Pick<Platform, 'cwd'>): unknown {
  if (!Array.isArray(sources)) return sources
  const absolute = paths.map((one) => path.resolve(cwd, one))
  const at = sources.findIndex((source: unknown) => isFile(source))
  if (at < 0) return [{ type: 'file', paths: absolute }, ...(sources as unknown[])]
  return sources.with(at, { ...(sources[at] as object), paths: absolute })
}

function isFile(source: unknown): boolean {
  return typeof source === 'object' && source !== null && 'type' in source && source.type === 'file'
}
