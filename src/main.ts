#!/usr/bin/env node
// Until the version check below, only syntax that an old Node can parse.
import module from 'node:module'

const minNodeMajor = 24

if (Number.parseInt(process.versions.node, 10) < minNodeMajor) {
  process.stderr.write(
    `mcp-roster needs Node.js ${minNodeMajor} or newer, this is ${process.version}. In a checkout, "npm start" brings its own.\n`,
  )
  process.exitCode = 1
} else {
  // Names are looked up on half of these threads, and each waits for its name servers: with the default of four, 10,000 names
  // take longer than the interval of their probes.
  process.env['UV_THREADPOOL_SIZE'] ??= '16'
  const folder = cacheFolder(process.env)
  if (folder !== undefined) module.enableCompileCache(folder)
  const { runProcess } = await import('./cli/process.ts')
  process.exitCode = await runProcess({
    startDaemon: async (start) => (await import('./daemon.ts')).startDaemon(start),
  })
}

/** A private folder: cached code is executed, so it never lies in the shared temporary folder (Node's default). */
function cacheFolder({
  NODE_COMPILE_CACHE,
  XDG_CACHE_HOME,
  LOCALAPPDATA,
  HOME,
}: NodeJS.ProcessEnv): string | undefined {
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE
  const caches = XDG_CACHE_HOME || LOCALAPPDATA || (HOME && `${HOME}/.cache`)
  return caches ? `${caches}/mcp-roster` : undefined
}
