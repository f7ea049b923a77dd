import { type Command, type Invocation, textOption, UsageError } from './command.ts'
import { formOf, outputOptions, rendered } from './output.ts'
import { padded, shown } from './text.ts'

export const config: Command = {
  summary: 'Show the config in force, or what can be configured.',
  usage: 'show [--config FILE] [-o json|yaml] | reference [--write DIR] | schema',
  options: { ...outputOptions, config: { type: 'string', short: 'c' }, write: { type: 'string' } },
  help: [
    ['show', 'Each value with where it came from; secrets are taken out.'],
    ['reference', 'Everything that can be configured, as Markdown.'],
    ['schema', 'The same as JSON Schema, for editors.'],
    ['-c, --config FILE', 'The config file (MCP_ROSTER_CONFIG).'],
    ['-o, --output FORM', 'show: text (default), json or yaml.'],
    ['--write DIR', 'reference: write reference.md, schema.json and problems.md there.'],
  ],
  async run(invocation) {
    const [what, ...more] = invocation.positionals
    if (more.length > 0) throw new UsageError(`config ${what} takes nothing further`)
    if (what === 'show') return show(invocation)
    if (what === 'reference' || what === 'schema') return describe(invocation, what)
    throw new UsageError('config takes one of show, reference, schema')
  },
}

async function show(invocation: Invocation): Promise<number> {
  const { loadConfig } = await import('../config/load.ts')
  const { shownConfig, shownValues } = await import('../config/redacted-config.ts')
  const { terminal, env } = invocation
  const form = formOf(invocation, ['text', 'json', 'yaml'])
  const loaded = await loadConfig({ flags: { config: textOption(invocation, 'config') }, env })
  if (form !== 'text') terminal.out(await rendered(shownConfig(loaded), form))
  else {
    const rows = shownValues(loaded).map(
      ({ path, value, origin }) => [path, shown(JSON.stringify(value)), origin] as const,
    )
    const widest = Math.max(...rows.map(([path]) => path.length))
    const middle = Math.min(40, Math.max(...rows.map(([, value]) => value.length)))
    for (const [path, value, origin] of rows) {
      terminal.out(`${path.padEnd(widest)}  ${padded(value, middle)}  ${origin}\n`)
    }
  }
  for (const warning of loaded.warnings) terminal.err(`warning: ${warning}\n`)
  for (const note of loaded.notes) terminal.err(`note: ${note}\n`)
  return 0
}

async function describe(invocation: Invocation, what: 'reference' | 'schema'): Promise<number> {
  const { configSchema, problemReference, reference } = await import('../config/reference/reference-page.ts')
  const directory = textOption(invocation, 'write')
  const schema = `${JSON.stringify(configSchema(), null, 2)}\n`
  if (directory === undefined) {
    invocation.terminal.out(what === 'schema' ? schema : reference())
    return 0
  }
  const { writeFile } = await import('node:fs/promises')
  await writeFile(`${directory}/schema.json`, schema)
  await writeFile(`${directory}/reference.md`, reference())
  await writeFile(`${directory}/problems.md`, problemReference())
  return 0
}
