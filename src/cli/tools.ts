import { shortId } from '../model/names.ts'
import { type Command, UsageError } from './command.ts'
import { credentialsHint, fleetHelp, fleetOptions, mayStart, openFleet, serverOf } from './fleet.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { filterHelp, filterOf, filterOptions } from './remote.ts'
import { escapeControls, padEnd, truncate, widthOf } from './text.ts'

const titles = ['TOOL', 'SERVER', 'DESCRIPTION'] as const

export const tools: Command = {
  summary: 'List the tools of a server, or of all that match.',
  usage: '[SERVER] [FILTER]… [--allow-stdio] [-o table|name|json|yaml]',
  options: { ...outputOptions, ...filterOptions, ...fleetOptions },
  help: [
    ['SERVER', 'NAME or NAMESPACE/NAME; without it, all that the filters find.'],
    ['-o, --output FORM', 'table (default), name (as frameworks are given them), json or yaml.'],
    ...filterHelp,
    ...fleetHelp,
  ],
  async run(invocation) {
    const { positionals, terminal, values } = invocation
    const [place, ...others] = positionals
    if (others.length > 0) throw new UsageError('tools takes at most one server')
    const form = outputFormat(invocation, ['table', 'name', 'json', 'yaml'])
    const server = place === undefined ? undefined : await serverOf(invocation, place)
    if (server && !(await mayStart(invocation, server))) return 1
    const query = server ? { name: server.name, namespace: server.namespace } : filterOf(invocation)
    const stdio = () => server !== undefined || values['allow-stdio'] === true
    await using fleet = await openFleet(invocation, { query, stdio, lazy: false })
    const list = fleet.toolList()
    if (form === 'json' || form === 'yaml') terminal.out(await render(list, form))
    else if (form === 'name') terminal.out(list.map(({ name }) => `${escapeControls(name)}\n`).join(''))
    else if (list.length > 0) terminal.out(table(list, terminal.columns))
    else terminal.err('No tools found.\n')
    const unreached = [...fleet.connections.values()].filter(
      ({ state, server: { enabled } }) => enabled && state !== 'connected',
    )
    for (const { server: one, reason } of unreached)
      terminal.err(
        `${escapeControls(shortId(one))}: ${escapeControls(reason.replace('(option stdio)', '(--allow-stdio)'))}${credentialsHint(reason)}\n`,
      )
    return unreached.length > 0 && (server !== undefined || list.length === 0) ? 1 : 0
  },
}

type Listed = {
  readonly server: string
  readonly tool: { readonly name: string; readonly description?: string | undefined }
}

function table(list: readonly Listed[], columns: number): string {
  const rows = list.map(({ server, tool }) =>
    [tool.name, server.replace(/^default\//, ''), tool.description?.split('\n')[0] ?? ''].map(escapeControls),
  )
  const widths = [0, 1].map((at) => Math.max(...[titles, ...rows].map((row) => widthOf(row[at] ?? ''))))
  return [titles, ...rows]
    .map(([name = '', server = '', description = '']) => {
      const line = `${padEnd(name, widths[0] ?? 0)}  ${padEnd(server, widths[1] ?? 0)}  ${description}`
      return `${truncate(line, columns).trimEnd()}\n`
    })
    .join('')
}
