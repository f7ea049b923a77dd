import { shortId } from '../model/names.ts'
import type { Server } from '../model/server.ts'
import type { Command } from './command.ts'
import { formOf, outputOptions, rendered } from './output.ts'
import { answered, filterHelp, filterOf, filterOptions, remoteHelp, remoteOptions, rosterOf } from './remote.ts'
import { serverTable } from './table.ts'
import { shown } from './text.ts'

export const list: Command = {
  summary: 'List the servers a daemon knows.',
  usage: '[-o json|yaml|wide|name] [-n NAMESPACE] [-l SELECTOR] [--tag TAG]…',
  options: { ...outputOptions, ...filterOptions, ...remoteOptions },
  optionsOnly: true,
  help: [['-o, --output FORM', 'table (default), wide, name, json or yaml.'], ...filterHelp, ...remoteHelp],
  async run(invocation) {
    const { terminal } = invocation
    const form = formOf(invocation, ['table', 'wide', 'name', 'json', 'yaml'])
    const body = await answered(rosterOf(invocation).list(filterOf(invocation), invocation))
    const servers = (Array.isArray(body.servers) ? body.servers : []) as readonly Server[]
    if (form === 'json' || form === 'yaml') terminal.out(await rendered(body, form))
    else if (form === 'name') terminal.out(servers.map((server) => `${shown(shortId(server))}\n`).join(''))
    else if (servers.length > 0)
      terminal.out(serverTable(servers, { terminal, wide: form === 'wide', now: Date.now() }))
    else terminal.err('No servers found.\n')
    const syncing = Array.isArray(body.syncing) ? body.syncing : []
    if (syncing.length > 0) terminal.err(`Still syncing: ${shown(syncing.join(', '))}\n`)
    return 0
  },
}
