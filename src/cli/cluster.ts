import type { ClusterMember, ClusterStatus } from '../client/roster/cluster.ts'
import type { Command } from './command.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { orCommandError, remoteHelp, remoteOptions, rosterOf } from './remote.ts'
import { ageOf, escapeControls, padEnd, widthOf } from './text.ts'

export const cluster: Command = {
  summary: 'List the daemons that share one database, and the leader.',
  usage: '[-o table|json|yaml]',
  options: { ...outputOptions, ...remoteOptions },
  optionsOnly: true,
  help: [['-o, --output FORM', 'table (default), json or yaml.'], ...remoteHelp],
  async run(invocation) {
    const form = outputFormat(invocation, ['table', 'json', 'yaml'])
    const status = await orCommandError(rosterOf(invocation).cluster(invocation))
    invocation.terminal.out(form === 'table' ? textOf(status) : await render(status, form))
    // For scripts: a daemon that is cut off from the others is a problem.
    return status.is_member ? 0 : 1
  },
}

function textOf(status: ClusterStatus): string {
  const rows = [titles, ...status.members.map(cellsOf)].map((row) => row.map(escapeControls))
  const widths = titles.map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))))
  const table = rows.map((row) => row.map((cell, at) => padEnd(cell, widths[at] ?? 0)).join('  '))
  return [...(status.members.length > 0 ? table : []), noteOf(status), ...standingOf(status)]
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

const titles = ['MEMBER', 'ROLE', 'VERSION', 'AGE', 'RENEWED', 'TARGETS', 'ADDRESS']

function cellsOf({
  id,
  is_self,
  is_leader,
  build,
  joined_at,
  renewed_seconds_ago,
  targets,
  address,
}: ClusterMember): string[] {
  return [
    is_self ? `${id} (this)` : id,
    is_leader ? 'leader' : 'member',
    build,
    ageOf(joined_at, Date.now()),
    renewed_seconds_ago === undefined ? '-' : `${renewed_seconds_ago} s ago`,
    targets === undefined ? '-' : String(targets),
    address ?? '-',
  ]
}

/** How far the daemon follows the others, where it has any. */
function standingOf({ shared, lag_seconds, unowned_targets = 0, last_takeover: takeover }: ClusterStatus): string[] {
  if (!shared) return []
  return [
    ...(unowned_targets > 0 ? [`Targets that no member has probed yet: ${unowned_targets}`] : []),
    ...(takeover ? [`Last takeover: ${takeover.of} from ${escapeControls(takeover.from)} at ${takeover.at}`] : []),
    ...(lag_seconds === undefined ? [] : [`Last read what others wrote ${lag_seconds} s ago`]),
  ]
}

function noteOf({ id, store, shared, is_member, leader_election, leader, leader_since }: ClusterStatus): string {
  if (!shared)
    return `The store (${store}) belongs to this daemon alone; several daemons share one PostgreSQL or MySQL.`
  if (!is_member)
    return `${escapeControls(id)} could not renew its membership in time: it knows no other daemons, and its duties wait.`
  if (!leader_election)
    return 'Without an election (cluster.leader_election) every member has the duties of the leader.'
  const since = leader_since === undefined ? '' : ` since ${leader_since}`
  return leader === null ? 'No leader.' : `Leader: ${escapeControls(leader)}${since}`
}
