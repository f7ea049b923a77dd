import type { DependencyCandidate, DependencyExplanation, ExplainedDependency, Status } from '../../../client/index.ts'
import { usePolled } from '../../data/polled.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { StatusMark } from '../../parts/status.tsx'
import { Table } from '../../parts/table.tsx'
import { linkTo } from '../../router.ts'
import { agentsTexts as texts } from '../../texts/mesh/agents.ts'
import { statusTexts } from '../../texts/status.ts'
import { providerPlace } from './agent-view.ts'

/** What an agent needs: the provider of each dependency, why it was chosen, or why there is none. */
export function DependencyList({ id }: { readonly id: string }) {
  const { value, error } = usePolled<DependencyExplanation>(`dependencies/${encodeURIComponent(id)}`, {
    isWithServers: true,
  })
  const needs = (value?.functions ?? []).flatMap(({ function_name: caller, dependencies, llm_provider: llm }) =>
    [...dependencies, ...(llm ? [llm] : [])].map((dependency, index) => ({ caller, dependency, index })),
  )
  return (
    <>
      <ProblemLine error={error} />
      {value && needs.length === 0 && <p class="soft">{texts.needsNothing}</p>}
      <ul class="needs">
        {needs.map(({ caller, dependency, index }) => (
          <Need key={`${caller} ${index}`} caller={caller} dependency={dependency} />
        ))}
      </ul>
      {value?.dependencies_omitted !== undefined && (
        <p class="soft">{texts.needsOmitted(value.dependencies_omitted)}</p>
      )}
    </>
  )
}

function Need({ caller, dependency }: { readonly caller: string; readonly dependency: ExplainedDependency }) {
  const { capability, version, tags, provider, status, reason, required, candidates } = dependency
  const isResolved = status === 'available' && provider !== null
  const constraints = [version, tags.length > 0 && `${texts.withTags} ${tagText(tags)}`].filter(Boolean).join(', ')
  return (
    <li class={isResolved ? 'status healthy' : 'status unhealthy'}>
      <span aria-hidden="true">{isResolved ? '●' : '✕'}</span>
      <div>
        <strong>
          <bdi>{capability}</bdi>
        </strong>{' '}
        {constraints !== '' && <bdi>{constraints} </bdi>}
        {isResolved ? (
          <>
            {texts.by}{' '}
            <a href={linkTo(providerPlace(provider.agent_id))}>
              <bdi>{provider.agent_id}</bdi>
            </a>
          </>
        ) : (
          <em>{texts.unresolved}</em>
        )}{' '}
        <span class="badge">{required ? texts.required : texts.optional}</span>
        <p class="soft">
          {caller === '' ? texts.asAgent : <code>{caller}</code>}: <bdi>{reason}</bdi>
        </p>
        {candidates.length > 0 && (
          <details open={!isResolved}>
            <summary>{texts.candidates(candidates.length + (dependency.candidates_omitted ?? 0))}</summary>
            <Candidates candidates={candidates} />
          </details>
        )}
      </div>
    </li>
  )
}

/** As it was declared; of a nested list, one is required. */
function tagText(tags: ExplainedDependency['tags']): string {
  return tags.map((tag) => (typeof tag === 'string' ? tag : `(${tag.join(' | ')})`)).join(' ')
}

function Candidates({ candidates }: { readonly candidates: readonly DependencyCandidate[] }) {
  return (
    <Table columns={texts.candidateColumns}>
      {candidates.map((candidate, index) => (
        <tr key={index}>
          <td>
            <a href={linkTo(providerPlace(candidate.agent_id))}>
              <bdi>{candidate.agent_id}</bdi>
            </a>{' '}
            <code>
              <bdi>{candidate.function_name}</bdi>
            </code>
          </td>
          <td>{candidate.version}</td>
          <td>
            {candidate.status in statusTexts ? <StatusMark status={candidate.status as Status} /> : candidate.status}
          </td>
          <td>{texts.results[candidate.result]}</td>
          <td>
            <bdi>{whyOf(candidate)}</bdi>
          </td>
        </tr>
      ))}
    </Table>
  )
}

function whyOf({ stage, reason = '', details = {}, score }: DependencyCandidate): string {
  if (stage === undefined) return score === undefined ? reason : `score ${score}`
  const words = texts.stages[stage as keyof typeof texts.stages] ?? reason
  const facts = Object.entries(details).map(([key, value]) => `${key} ${textOf(value)}`)
  return [words, ...facts].join(', ')
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
