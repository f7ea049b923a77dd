import type { SourceStatus } from '../model/status.ts'
import { shown } from './text.ts'

/** What a person who starts the daemon sees: where it is, what it watches, what it found, and how to add one. */
export function banner({
  version,
  url,
  sources,
  paths,
  config,
  colour,
}: {
  version: string
  url: string
  sources: readonly Pick<SourceStatus, 'name' | 'type' | 'servers' | 'rejected' | 'state' | 'note'>[]
  /** What each source watches, by its name. */
  paths: ReadonlyMap<string, string>
  config: string | undefined
  colour: boolean
}): string {
  const bold = (text: string) => (colour ? `\u001B[1m${text}\u001B[22m` : text)
  const dim = (text: string) => (colour ? `\u001B[2m${text}\u001B[22m` : text)
  const width = Math.max(0, ...sources.map(({ name }) => name.length))
  const total = sources.reduce((sum, { servers }) => sum + servers, 0)
  const places = [...paths.values()]
    .flatMap((path) => path.split(', '))
    .filter((one) => /^[/~](?!.*([*?]|\.ya?ml$|\.json$))/.test(one))
  const how = places.length === 0 ? '' : ` Add one: put a .yaml or .json file into ${shown(places.join(' or '))}`
  return [
    '',
    `  ${bold(`mcp-roster ${version}`)}  ${dim(config === undefined ? 'no config file, defaults' : shown(config))}`,
    '',
    `  ${bold(`${url}/servers`)}  the list      ${dim(`${url}/docs  the API`)}`,
    '',
    ...sources.map(
      (source) => `  ${source.name.padEnd(width)}  ${foundBy(source)}  ${dim(shown(paths.get(source.name) ?? ''))}`,
    ),
    '',
    `  ${total === 0 ? 'Nothing found yet.' : `${total} ${total === 1 ? 'server' : 'servers'}.`}${how}`,
    '',
    '',
  ].join('\n')
}

function foundBy({
  servers,
  rejected,
  state,
  note,
}: Pick<SourceStatus, 'servers' | 'rejected' | 'state' | 'note'>): string {
  const found = `${servers} ${servers === 1 ? 'server' : 'servers'}`
  const away = rejected > 0 ? `, ${rejected} turned away` : ''
  const trouble = state === 'synced' || state === 'disabled' ? '' : ` (${state})`
  return `${state === 'disabled' ? 'disabled' : found}${away}${trouble}${note ? ` (${shown(note)})` : ''}`
}
