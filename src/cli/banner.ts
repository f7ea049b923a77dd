import type { SourceStatus } from '../model/status.ts'
import { escapeControls } from './text.ts'

/** The start banner: address, watched places, servers found, and how to add one. */
export function banner({
  version,
  url,
  address,
  container = false,
  hasDashboard,
  sources,
  paths,
  config,
  colour,
}: {
  version: string
  url: string
  /** Where the daemon listens. */
  address: string
  container?: boolean
  hasDashboard: boolean
  sources: readonly Pick<SourceStatus, 'name' | 'type' | 'servers' | 'rejected' | 'state' | 'note'>[]
  /** Watched places by source name. */
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
  const hint =
    places.length === 0 ? '' : ` Add one: put a .yaml or .json file into ${escapeControls(places.join(' or '))}`
  return [
    '',
    `  ${bold(`mcp-roster ${version}`)}  ${dim(config === undefined ? 'no config file, defaults' : escapeControls(config))}`,
    '',
    ...(hasDashboard ? [`  ${bold(`${url}/ui`)}       the dashboard`] : []),
    `  ${bold(`${url}/servers`)}  the list      ${dim(`${url}/docs  the API`)}`,
    ...(container ? [dim(containerNote(address))] : []),
    '',
    ...sources.map(
      (source) =>
        `  ${source.name.padEnd(width)}  ${summaryOf(source)}  ${dim(escapeControls(paths.get(source.name) ?? ''))}`,
    ),
    '',
    `  ${total === 0 ? 'Nothing found yet.' : `${total} ${total === 1 ? 'server' : 'servers'}.`}${hint}`,
    '',
    '',
  ].join('\n')
}

/** Loopback of the host is not that of a container, so no URL of the container works everywhere. */
function containerNote(address: string): string {
  const port = address.replace(/^.*:/, '')
  return `  listens on ${address} of this container; reach it from outside by a published port (-p ${port}:${port})`
}

function summaryOf({
  servers,
  rejected,
  state,
  note,
}: Pick<SourceStatus, 'servers' | 'rejected' | 'state' | 'note'>): string {
  const serverCount = `${servers} ${servers === 1 ? 'server' : 'servers'}`
  const rejections = rejected > 0 ? `, ${rejected} rejected` : ''
  const unsettled = state === 'synced' || state === 'disabled' ? '' : ` (${state})`
  return `${state === 'disabled' ? 'disabled' : serverCount}${rejections}${unsettled}${note ? ` (${escapeControls(note)})` : ''}`
}
