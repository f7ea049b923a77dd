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
  module.enableCompileCache()
  const { runHere } = await import('./cli/process.ts')
  process.exitCode = await runHere({
    startDaemon: async (start) => (await import('./daemon.ts')).startDaemon(start),
  })
}
