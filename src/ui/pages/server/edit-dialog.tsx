import { useSignal } from '@preact/signals'
import { ApiError, request } from '../../data/api.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { diffLines } from '../../parts/line-diff.ts'
import { Modal } from '../../parts/modal.tsx'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { serverActionTexts as texts } from '../../texts/server/server-actions.ts'
import { writtenDefinition, serverPath, type ServerAnswer } from './server-answer.ts'

const textOf = (server: ServerAnswer) => JSON.stringify(writtenDefinition(server), null, 2)

/** Edits a server that was written by hand. Another write that came first is shown beside this one. */
export function EditDialog({
  server,
  onClose,
  onSaved,
}: {
  readonly server: ServerAnswer
  readonly onClose: () => void
  readonly onSaved: () => void
}) {
  // The version that the person saw; the page goes on beneath.
  const base = useSignal(server)
  const text = useSignal(textOf(server))
  const invalid = useSignal('')
  const error = useSignal<ApiError | undefined>(undefined)
  const theirs = useSignal<ServerAnswer | undefined>(undefined)

  async function save(): Promise<string> {
    let body: unknown
    invalid.value = ''
    error.value = undefined
    try {
      body = JSON.parse(text.peek())
    } catch (failure) {
      invalid.value = texts.invalidJson((failure as Error).message)
      return ''
    }
    const headers = { 'if-match': `"${base.peek().resource_version}"` }
    try {
      await request(serverPath(server), { method: 'PUT', headers, body })
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure
      const current = failure.body?.['current'] as ServerAnswer | undefined
      if ((failure.status === 409 || failure.status === 412) && current?.resource_version !== undefined) {
        theirs.value = current
        base.value = current
      } else error.value = failure
      return ''
    }
    onSaved()
    onClose()
    return texts.saved
  }

  function takeTheirs(): void {
    text.value = textOf(base.peek())
    theirs.value = undefined
  }

  return (
    <Modal title={texts.editTitle(server.id)} onClose={onClose}>
      {theirs.value && <Conflict there={textOf(theirs.value)} yours={text.value} />}
      <label class="block">
        {texts.editLabel}
        <textarea
          class="code"
          rows={14}
          spellcheck={false}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
      </label>
      <p class="soft">{texts.editHelp}</p>
      {invalid.value !== '' && (
        <p class="problem" role="alert">
          {invalid.value}
        </p>
      )}
      <ProblemLine error={error.value} />
      <p class="row">
        <ActionButton run={save} isPrimary>
          {theirs.value ? texts.overwrite : texts.save}
        </ActionButton>
        {theirs.value && (
          <button type="button" onClick={takeTheirs}>
            {texts.takeTheirs}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {texts.cancel}
        </button>
      </p>
    </Modal>
  )
}

const marks = { same: ' ', left: '−', right: '+' } as const

function Conflict({ there, yours }: { readonly there: string; readonly yours: string }) {
  return (
    <div role="alert">
      <p class="problem">{texts.conflict}</p>
      <pre class="diff" tabIndex={0} role="region" aria-label={`${texts.there}, ${texts.yours}`}>
        {diffLines(there, yours).map(({ kind, text }, index) => (
          <div key={index} class={kind}>
            <span aria-hidden="true">{marks[kind]}</span>
            {kind !== 'same' && <span class="hidden">{kind === 'left' ? texts.there : texts.yours}: </span>}{' '}
            <bdi>{text}</bdi>
          </div>
        ))}
      </pre>
    </div>
  )
}
