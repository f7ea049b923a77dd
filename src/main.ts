#!/usr/bin/env node
// Only what an old Node can read may stand here before it is told so.
import module from 'node:module'

const needed = 24

if (Number.parseInt(process.versions.node, 10) < needed) {
  process.stderr.write(
    `mcp-roster needs Node.js ${needed} or newer, this is ${process.version}. In a checkout, "npm start" brings its own.\n`,
  )
  process.exitCode = 1
} else {
  const folder = cacheFolder(process.env)
  if (folder !== undefined) module.enableCompileCache(folder)
  const { runHere } = await import('./cli/process.ts')
  process.exitCode = await runHere({
    startDaemon: async (start) => (await import('./daemon.ts')).startDaemon(start),
  })
}

/** Code that is kept is run the next time: so it lies where nobody else writes, not in the temporary folder of all. */
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
