import type { PickedServer, PickQuery } from '../client/roster/selection.ts'
import { shortId } from '../model/names.ts'
import { type Command, type Invocation, textOption, textOptions } from './command.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { filterHelp, filterOf, filterOptions, orCommandError, remoteHelp, remoteOptions, rosterOf } from './remote.ts'
import { addressOf } from './table.ts'
import { escapeControls, padEnd, widthOf } from './text.ts'

/** Further filters of `GET /pick`, by option: the parameter and its help. Lists are repeatable. */
const furtherFilters = {
  name: ['name', 'The server with exactly this name.'],
  enabled: ['enabled', 'true or false. Disabled servers are never picked.'],
  'capability-category': ['capability_category', 'Servers with a capability of this category.'],
  'capability-stability': ['capability_stability', 'Servers with a capability of this stability.'],
  'version-constraint': ['version_constraint', 'Servers with a capability in this range of versions: ^1.2.'],
  query: ['q', 'Servers whose texts contain these words.'],
  'fuzzy-match': ['fuzzy_match', 'true: --query and --capability also match near spellings.'],
} as const
const furtherLists = {
  'any-tag': ['any_tag', 'Servers with this tag. Repeatable: with any of them.'],
  'capability-tags': ['capability_tags', 'Servers with a capability of this tag. Repeatable: of any of them.'],
} as const

export const pick: Command = {
  summary: 'Pick a healthy server by strategy, with the reason.',
  usage: '[--strategy NAME] [--key KEY] [--zone ZONE] [--region REGION] [-c COUNT] [FILTER]… [--json]',
  options: {
    ...outputOptions,
    ...filterOptions,
    ...remoteOptions,
    ...Object.fromEntries(Object.keys(furtherFilters).map((name) => [name, { type: 'string' } as const])),
    ...Object.fromEntries(Object.keys(furtherLists).map((name) => [name, { type: 'string', multiple: true } as const])),
    strategy: { type: 'string' },
    key: { type: 'string' },
    zone: { type: 'string' },
    region: { type: 'string' },
    count: { type: 'string', short: 'c' },
    json: { type: 'boolean' },
  },
  optionsOnly: true,
  help: [
    ['--strategy NAME', 'random (default), round_robin, fastest, least_load or sticky.'],
    ['--key KEY', 'With sticky: the same server for the same key.'],
    ['--zone ZONE, --region REGION', 'Servers of this zone first, then those of this region.'],
    ['-c, --count COUNT', 'Maximum number of picks, best first. Default 1, at most 50.'],
    ...filterHelp,
    ...Object.entries({ ...furtherLists, ...furtherFilters }).map(
      ([option, [, help]]) => [`--${option} VALUE`, help] as const,
    ),
    ['-o, --output FORM', 'text (default), name, json or yaml.'],
    ['--json', 'The same as -o json.'],
    ...remoteHelp,
  ],
  async run(invocation) {
    const { terminal, values } = invocation
    const form = values['json'] === true ? 'json' : outputFormat(invocation, ['text', 'name', 'json', 'yaml'])
    const list = await orCommandError(rosterOf(invocation).pick(pickQueryOf(invocation), invocation))
    if (form === 'json' || form === 'yaml') terminal.out(await render(list, form))
    else if (form === 'name')
      terminal.out(list.picks.map(({ server }) => `${escapeControls(shortId(server))}\n`).join(''))
    else terminal.out(textOf(list.picks))
    return 0
  },
}

/** The query of the options, which the daemon validates. */
function pickQueryOf(invocation: Invocation): PickQuery {
  const text = (option: string) => textOption(invocation, option)
  const further = Object.entries(furtherFilters).map(([option, [parameter]]) => [parameter, text(option)])
  const lists = Object.entries(furtherLists).map(([option, [parameter]]) => [
    parameter,
    textOptions(invocation, option),
  ])
  return {
    ...filterOf(invocation),
    ...Object.fromEntries([...further, ...lists]),
    strategy: text('strategy') as PickQuery['strategy'],
    key: text('key'),
    zone: text('zone'),
    region: text('region'),
    n: text('count') as PickQuery['n'],
  }
}

function textOf(picks: readonly PickedServer[]): string {
  const rows = picks.map(({ server, reason }) => [shortId(server), addressOf(server), reason].map(escapeControls))
  const widths = [0, 1].map((at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))))
  return rows.map((row) => `${row.map((cell, at) => padEnd(cell, widths[at] ?? 0)).join('  ')}\n`).join('')
}
