import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { servers } from '../../data/live-servers.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { StatusMark } from '../../parts/status.tsx'
import { Table } from '../../parts/table.tsx'
import { linkTo } from '../../router.ts'
import { addTexts as texts } from '../../texts/add.ts'
import {
  addCandidate,
  type ServerCandidate,
  type CandidateState,
  checkCandidate,
  type ReadDraft,
} from './candidates.ts'

/** What would be added, and what not and why; then what became of it. */
export function Preview({
  reading,
  refusal,
  onAdded,
}: {
  readonly reading: ReadDraft
  readonly refusal: string | undefined
  readonly onAdded: () => void
}) {
  const states = useSignal<ReadonlyMap<string, CandidateState>>(new Map())
  const left = useSignal<ReadonlySet<string>>(new Set())
  const { candidates, problem, note } = reading

  useEffect(() => {
    const stopping = new AbortController()
    states.value = new Map(candidates.map(({ key, state }) => [key, state]))
    left.value = new Set()
    void checkAll(stopping.signal).catch(() => undefined)
    return () => stopping.abort()
  }, [candidates])

  const setState = (key: string, state: CandidateState) => void (states.value = new Map(states.peek()).set(key, state))

  async function checkAll(signal: AbortSignal): Promise<void> {
    for (const candidate of candidates)
      if (candidate.state.type === 'checking') setState(candidate.key, await checkCandidate(candidate, signal))
  }

  const isOpen = ({ key }: ServerCandidate) => states.value.get(key)?.type === 'fine'
  const chosen = candidates.filter((candidate) => isOpen(candidate) && !left.value.has(candidate.key))

  async function addChosen(): Promise<string> {
    let added = 0
    for (const candidate of chosen) {
      setState(candidate.key, { type: 'adding' })
      const state = await addCandidate(candidate)
      setState(candidate.key, state)
      if (state.type === 'added') added += 1
    }
    if (added > 0) onAdded()
    return texts.done(added, chosen.length - added)
  }

  if (problem !== undefined)
    return (
      <p class="problem" role="alert">
        <bdi>{problem}</bdi>
      </p>
    )
  if (candidates.length === 0) return <p class="soft">{note ?? texts.nothing}</p>
  return (
    <>
      <p class="soft">
        {texts.previewWhy} {note}
      </p>
      <Table columns={texts.columns} class="candidates">
        {candidates.map((candidate) => (
          <tr key={candidate.key}>
            <td>
              <input
                type="checkbox"
                aria-label={texts.take(candidate.name)}
                disabled={!isOpen(candidate)}
                checked={isOpen(candidate) && !left.value.has(candidate.key)}
                onChange={() => (left.value = left.value.symmetricDifference(new Set([candidate.key])))}
              />
            </td>
            <td>
              <strong>
                <bdi>{candidate.name}</bdi>
              </strong>{' '}
              <span class="soft">{candidate.namespace === 'default' ? '' : candidate.namespace}</span>
              {candidate.where !== '' && (
                <p class="soft">
                  <bdi>{candidate.where}</bdi>
                </p>
              )}
            </td>
            <td>
              <bdi>{candidate.address}</bdi>
            </td>
            <td>
              <State candidate={candidate} state={states.value.get(candidate.key) ?? candidate.state} />
            </td>
          </tr>
        ))}
      </Table>
      <p class="row">
        <ActionButton
          run={addChosen}
          refusal={refusal ?? (chosen.length === 0 ? texts.noneChosen : undefined)}
          isPrimary
        >
          {texts.add(chosen.length)}
        </ActionButton>
      </p>
    </>
  )
}

function State({ candidate, state }: { readonly candidate: ServerCandidate; readonly state: CandidateState }) {
  const { namespace, name, notes } = candidate
  void servers.version.value
  const row = servers.rows.get(`${namespace}/${name}`)
  if (state.type === 'refused')
    return (
      <span class="status unhealthy">
        <span aria-hidden="true">■</span> <bdi>{state.reason}</bdi>{' '}
        {state.code !== undefined && <code>{state.code}</code>}
      </span>
    )
  if (state.type === 'added')
    return (
      <>
        {texts.states.added} {row && <StatusMark status={row.status} />}{' '}
        <a href={linkTo(['servers', namespace, name])}>{texts.open}</a>
      </>
    )
  return (
    <>
      {texts.states[state.type]}
      {notes.map((text) => (
        <p key={text} class="soft">
          {text}
        </p>
      ))}
    </>
  )
}
