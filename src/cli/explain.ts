import type { DependencyCandidate, DependencyExplanation, ExplainedDependency } from '../client/roster/agents.ts'
import { type Command, UsageError } from './command.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { orCommandError, remoteHelp, remoteOptions, rosterOf } from './remote.ts'
import { escapeControls, padEnd, widthOf } from './text.ts'

export const explain: Command = {
  summary: 'Explain why the dependencies of an agent have their providers.',
  usage: 'AGENT [-o json|yaml]',
  options: { ...outputOptions, ...remoteOptions },
  help: [['-o, --output FORM', 'text (default), json or yaml.'], ...remoteHelp],
  async run(invocation) {
    const [agent, ...more] = invocation.positionals
    if (agent === undefined || more.length > 0) throw new UsageError('explain needs the id of exactly one agent')
    const form = outputFormat(invocation, ['text', 'json', 'yaml'])
    const explanation = await orCommandError(rosterOf(invocation).explain(agent, invocation))
    invocation.terminal.out(form === 'text' ? textOf(explanation) : await render(explanation, form))
    return 0
  },
}

function textOf({ agent_id, namespace, status, functions, dependencies_omitted }: DependencyExplanation): string {
  const lines = [`${agent_id} (namespace ${namespace}, ${status})`]
  const some = functions.filter((one) => one.dependencies.length > 0 || one.llm_provider)
  if (some.length === 0) lines.push('No function has a dependency.')
  for (const { function_name, dependencies, llm_provider } of some) {
    lines.push('', function_name === '' ? 'The whole agent' : function_name)
    for (const dependency of dependencies)
      lines.push(...dependencyLines(`${dependency.dep_index + 1}. ${dependency.capability}`, dependency))
    if (llm_provider) lines.push(...dependencyLines(`language model ${llm_provider.capability}`, llm_provider))
  }
  if (dependencies_omitted !== undefined) lines.push('', `and ${dependencies_omitted} more dependencies`)
  return lines.map((line) => `${escapeControls(line).trimEnd()}\n`).join('')
}

function dependencyLines(title: string, dependency: ExplainedDependency): string[] {
  const { provider, reason, candidates, candidates_omitted } = dependency
  const chosen = provider
    ? `${provider.agent_id} ${provider.function_name ?? ''} at ${provider.endpoint}`.replace('  ', ' ')
    : 'no provider'
  const rows = candidates.map(cellsOf)
  const widths = rows.reduce<number[]>(
    (before, row) => row.map((cell, at) => Math.max(before[at] ?? 0, widthOf(cell))),
    [],
  )
  return [
    `  ${title}${conditionsOf(dependency)}: ${chosen}`,
    `     ${reason}`,
    ...rows.map((row) => `     ${row.map((cell, at) => padEnd(cell, widths[at] ?? 0)).join('  ')}`),
    ...(candidates_omitted === undefined ? [] : [`     and ${candidates_omitted} more candidates`]),
  ]
}

function conditionsOf({ tags, version, required }: ExplainedDependency): string {
  const texts = tags.map((tag) => (typeof tag === 'string' ? tag : `one of ${tag.join('|')}`))
  const parts = [
    ...(texts.length > 0 ? [`tags ${texts.join(' ')}`] : []),
    ...(version === '' ? [] : [`version ${version}`]),
    ...(required ? ['required'] : []),
  ]
  return parts.length > 0 ? ` (${parts.join(', ')})` : ''
}

const marks: Readonly<Record<DependencyCandidate['result'], string>> = {
  chosen: '*',
  equal: '=',
  outranked: '<',
  evicted: '-',
}

function cellsOf(candidate: DependencyCandidate): string[] {
  const { agent_id, function_name, version, status, result, score, stage, reason, details } = candidate
  const why = details ? ` ${JSON.stringify(details)}` : ''
  const outcome = result === 'evicted' ? `out at ${stage ?? '?'}: ${reason ?? '?'}${why}` : `${result}, score ${score}`
  return [marks[result], `${agent_id} ${function_name}`, version, status, outcome]
}
