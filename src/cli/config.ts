import { type Command, type Invocation, textOption, UsageError } from './command.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { padEnd, escapeControls } from './text.ts'

export const config: Command = {
  summary: 'Show the effective config, or the reference of all settings.',
  usage: 'show [--config FILE] [-o json|yaml] | reference [--write DIR] | schema',
  options: { ...outputOptions, config: { type: 'string', short: 'c' }, write: { type: 'string' } },
  help: [
    ['show', 'Each value with its origin; secrets are redacted.'],
    ['reference', 'All settings, as Markdown.'],
    ['schema', 'All settings as JSON Schema, for editors.'],
    ['-c, --config FILE', 'The config file (MCP_ROSTER_CONFIG).'],
    ['-o, --output FORM', 'show: text (default), json or yaml.'],
    ['--write DIR', 'reference: write reference.md, schema.json and problems.md there.'],
  ],
  async run(invocation) {
    const [what, ...more] = invocation.positionals
    if (more.length > 0) throw new UsageError(`config ${what} takes no further arguments`)
    if (what === 'show') return show(invocation)
    if (what === 'reference' || what === 'schema') return describe(invocation, what)
    throw new UsageError('config needs one of: show, reference, schema')
  },
}

async function show(invocation: Invocation): Promise<number> {
  const { loadConfig } = await import('../config/load.ts')
  const { listSettings, redactedConfig } = await import('../config/redacted-config.ts')
  const { terminal, env } = invocation
  const form = outputFormat(invocation, ['text', 'json', 'yaml'])
  const loaded = await loadConfig({ flags: { config: textOption(invocation, 'config') }, env })
  if (form !== 'text') terminal.out(await render(redactedConfig(loaded), form))
  else {
    const rows = listSettings(loaded).map(
      ({ path, value, origin }) => [path, escapeControls(JSON.stringify(value)), origin] as const,
    )
    const widest = Math.max(...rows.map(([path]) => path.length))
    const middle = Math.min(40, Math.max(...rows.map(([, value]) => value.length)))
    for (const [path, value, origin] of rows) {
      terminal.out(`${path.padEnd(widest)}  ${padEnd(value, middle)}  ${origin}\n`)
    }
  }
  for (const warning of loaded.warnings) terminal.err(`warning: ${warning}\n`)
  for (const note of loaded.notes) terminal.err(`note: ${note}\n`)
  return 0
}

async function describe(invocation: Invocation, what: 'reference' | 'schema'): Promise<number> {
  const { configSchema } = await import('../config/reference/json-schema.ts')
  const { problemReference } = await import('../config/reference/reference-page.ts')
  const { referencePage } = await import('../config/reference/reference-page.ts')
  const directory = textOption(invocation, 'write')
  const schema = `${JSON.stringify(configSchema(), null, 2)}\n`
  if (directory === undefined) {
    invocation.terminal.out(what === 'schema' ? schema : referencePage())
    return 0
  }
  const { writeFile } = await import('node:fs/promises')
  await writeFile(`${directory}/schema.json`, schema)
  await writeFile(`${directory}/reference.md`, referencePage())
  await writeFile(`${directory}/problems.md`, problemReference())
  return 0
}
