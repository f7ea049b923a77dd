import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { ApiError } from '../../data/api.ts'
import { servers } from '../../data/live-servers.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { StatusMark } from '../../parts/status.tsx'
import { Table } from '../../parts/table.tsx'
import { linkTo } from '../../router.ts'
import { addTexts as texts } from '../../texts/add.ts'
import { type DocumentReading, importDocument, type RefusedEntry, type TakenEntry } from './document-preview.ts'
import { FoundServer } from './found-server.tsx'

/** What became of an entry that was to be added. */
type AddState = 'adding' | 'added' | Pick<RefusedEntry, 'reason' | 'code'>

/** What would be added, and what not and why; then what became of it. */
export function Preview({
  reading: { document = '', answer, error },
  isPaste,
  refusal,
  onAdded,
}: {
  readonly reading: DocumentReading
  readonly isPaste: boolean
  readonly refusal: string | undefined
  readonly onAdded: () => void
}) {
  const states = useSignal<ReadonlyMap<string, AddState>>(new Map())
  const toggled = useSignal<ReadonlySet<string>>(new Set())

  useEffect(() => {
    states.value = new Map()
    toggled.value = new Set()
  }, [document])

  const isOpen = ({ action, server: { id } }: TakenEntry) => action !== 'none' && states.value.get(id) === undefined
  // What would be lost is replaced only where it is asked for.
  const isChosen = (entry: TakenEntry) =>
    isOpen(entry) && (entry.action === 'create') !== toggled.value.has(entry.server.id)

  async function addChosen(chosen: readonly TakenEntry[]): Promise<string> {
    const ids = chosen.map(({ server }) => server.id)
    const set = (entries: Iterable<readonly [string, AddState]>) =>
      void (states.value = new Map([...states.peek(), ...entries]))
    set(ids.map((id) => [id, 'adding']))
    try {
      const { written, refused } = await importDocument(document, ids)
      set(written.map(({ id }) => [id, 'added']))
      for (const { name, reason, code } of refused) {
        const entry = chosen.find(({ server }) => server.id === name || server.name === name)
        if (entry) set([[entry.server.id, { reason, code }]])
      }
      if (written.length > 0) onAdded()
      return texts.done(written.length, refused.length)
    } catch (failure) {
      states.value = new Map([...states.peek()].filter(([, state]) => state !== 'adding'))
      throw failure
    }
  }

  if (error instanceof ApiError) return <ProblemLine error={error} />
  if (error)
    return (
      <p class="problem" role="alert">
        {error.message}
      </p>
    )
  if (!answer) return <p class="soft">{document === '' ? texts.nothing : texts.checking}</p>
  const { taken, refused, left_off: leftOff = 0 } = answer
  if (taken.length + refused.length === 0) return <p class="soft">{texts.noServers}</p>
  const chosen = taken.filter(isChosen)
  return (
    <>
      <p class="soft">
        {texts.previewWhy} {leftOff > 0 && texts.leftOff(leftOff)}
      </p>
      <Table columns={texts.columns} class="candidates">
        {taken.map((entry) => {
          const { server, where, probe } = entry
          const { id, name, namespace, url, command, args = [] } = server
          return (
            <Row
              key={id}
              name={name}
              namespace={namespace}
              where={isPaste ? where : undefined}
              address={url ?? [command, ...args].join(' ')}
              choice={
                <input
                  type="checkbox"
                  aria-label={texts.take(name)}
                  disabled={!isOpen(entry)}
                  checked={isChosen(entry)}
                  onChange={() => (toggled.value = toggled.value.symmetricDifference(new Set([id])))}
                />
              }
            >
              <State entry={entry} state={states.value.get(id)} />
              {isPaste && probe && <FoundServer probe={probe} />}
            </Row>
          )
        })}
        {refused.map((entry, index) => {
          const { name = texts.unnamed, where, probe } = entry
          return (
            <Row key={index} name={name} where={isPaste ? where : undefined}>
              <Refusal {...entry} />
              {isPaste && probe && <FoundServer probe={probe} />}
            </Row>
          )
        })}
      </Table>
      <p class="row">
        <ActionButton
          run={() => addChosen(chosen)}
          refusal={refusal ?? (chosen.length === 0 ? texts.noneChosen : undefined)}
          isPrimary
        >
          {texts.add(chosen.length)}
        </ActionButton>
      </p>
    </>
  )
}

function Row({
  choice,
  name,
  namespace = 'default',
  where,
  address,
  children,
}: {
  readonly choice?: ComponentChildren
  readonly name: string
  readonly namespace?: string
  readonly where: string | undefined
  readonly address?: string
  readonly children: ComponentChildren
}) {
  return (
    <tr>
      <td>{choice}</td>
      <td>
        <strong>
          <bdi>{name}</bdi>
        </strong>{' '}
        <span class="soft">{namespace === 'default' ? '' : namespace}</span>
        {where !== undefined && (
          <p class="soft">
            <bdi>{where}</bdi>
          </p>
        )}
      </td>
      <td>
        <bdi>{address}</bdi>
      </td>
      <td>{children}</td>
    </tr>
  )
}

function Refusal({ reason, code }: Pick<RefusedEntry, 'reason' | 'code'>) {
  return (
    <span class="status unhealthy">
      <span aria-hidden="true">■</span> <bdi>{reason}</bdi> <code>{code}</code>
    </span>
  )
}

function State({ entry, state }: { readonly entry: TakenEntry; readonly state: AddState | undefined }) {
  const { action, ignored, server } = entry
  void servers.version.value
  const row = servers.rows.get(server.id)
  if (typeof state === 'object') return <Refusal {...state} />
  if (state === 'added')
    return (
      <>
        {texts.states.added} {row && <StatusMark status={row.status} />}{' '}
        <a href={linkTo(['servers', server.namespace, server.name])}>{texts.open}</a>
      </>
    )
  return (
    <>
      {texts.states[state ?? action]}
      {ignored && <p class="soft">{texts.notKept(ignored.join(', '))}</p>}
    </>
  )
}
