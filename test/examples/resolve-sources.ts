import { registerHooks } from 'node:module'

/** Loads the libraries that examples import from their sources: `node --import` this file. */
const entries = new Map([
  ['mcp-roster', '../../src/client/index.ts'],
  ['mcp-roster/connect', '../../src/client/connect/index.ts'],
  ['mcp-roster/agent', '../../src/client/agent/index.ts'],
])

registerHooks({
  resolve(specifier, context, nextResolve) {
    const source = entries.get(specifier)
    return nextResolve(source === undefined ? specifier : new URL(source, import.meta.url).href, context)
  },
})
