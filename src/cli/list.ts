import { shortId } from '../model/names.ts'
import type { Server } from '../model/server.ts'
import type { Command } from './command.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { orCommandError, filterHelp, filterOf, filterOptions, remoteHelp, remoteOptions, rosterOf } from './remote.ts'
import { serverTable } from './table.ts'
import { escapeControls } from './text.ts'

export const list: Command = {
  summary: 'List the servers of a daemon.',
  usage: '[-o json|yaml|wide|name] [-n NAMESPACE] [-l SELECTOR] [--tag TAG]…',
  options: { ...outputOptions, ...filterOptions, ...remoteOptions },
  optionsOnly: true,
  help: [['-o, --output FORM', 'table (default), wide, name, json or yaml.'], ...filterHelp, ...remoteHelp],
  async run(invocation) {
    const { terminal } = invocation
    const form = outputFormat(invocation, ['table', 'wide', 'name', 'json', 'yaml'])
    const body = await orCommandError(rosterOf(invocation).list(filterOf(invocation), invocation))
    const servers = (Array.isArray(body.servers) ? body.servers : []) as readonly Server[]
    if (form === 'json' || form === 'yaml') terminal.out(await render(body, form))
    else if (form === 'name') terminal.out(servers.map((server) => `${escapeControls(shortId(server))}\n`).join(''))
    else if (servers.length > 0)
      terminal.out(serverTable(servers, { terminal, wide: form === 'wide', now: Date.now() }))
    else terminal.err('No servers found.\n')
    const syncing = Array.isArray(body.syncing) ? body.syncing : []
    if (syncing.length > 0) terminal.err(`Still syncing: ${escapeControls(syncing.join(', '))}\n`)
    return 0
  },
}
