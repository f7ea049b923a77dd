import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { addTexts as texts } from '../../texts/add.ts'
import { usualNamespace, type FormFields, formFields, formKind, suggestedName } from './form-state.ts'
import { LoopbackHint } from './loopback-hint.tsx'

/** The fields of a new server. */
export function ServerForm({ probeButton }: { readonly probeButton: ComponentChildren }) {
  const kind = formKind.value
  const choice = (one: 'url' | 'command') => (
    <label>
      <input type="radio" name="kind" checked={kind === one} onChange={() => (formKind.value = one)} /> {texts[one]}
    </label>
  )
  return (
    <form class="new" onSubmit={(event) => event.preventDefault()}>
      <fieldset class="row kinds">
        <legend>{texts.kind}</legend>
        {choice('url')} {choice('command')}
      </fieldset>
      {kind === 'url' ? (
        <>
          <Field name="url" placeholder={texts.fields.urlHint} isRequired />
          <div role="status">
            <LoopbackHint url={formFields.value.url} />
          </div>
          <Field name="headers" hint={texts.fields.headersHint} isLong />
          {probeButton}
        </>
      ) : (
        <>
          <p class="soft">{texts.commandHelp}</p>
          <Field name="command" placeholder="npx" isRequired />
          <Field name="args" hint={texts.fields.argsHint} isLong />
          <Field name="env" hint={texts.fields.envHint} isLong />
        </>
      )}
      <Field name="name" placeholder={suggestedName(kind, formFields.value)} isRequired />
      <details>
        <summary>{texts.more}</summary>
        <Field name="namespace" placeholder={usualNamespace()} />
        <Field name="title" />
        <Field name="description" isLong />
        <Field name="tags" hint={texts.fields.tagsHint} />
      </details>
    </form>
  )
}

function Field({
  name,
  hint,
  placeholder,
  isLong = false,
  isRequired = false,
}: {
  readonly name: keyof FormFields
  readonly hint?: string
  readonly placeholder?: string
  readonly isLong?: boolean
  readonly isRequired?: boolean
}) {
  const id = useId()
  const attributes = {
    id,
    autocomplete: 'off',
    spellcheck: false,
    'aria-required': isRequired,
    'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
    placeholder,
    value: formFields.value[name],
    onInput: (event: Event) => {
      formFields.value = { ...formFields.peek(), [name]: (event.currentTarget as HTMLInputElement).value }
    },
  }
  return (
    <div class="field">
      <label for={id}>{texts.fields[name]}</label>
      {isLong ? <textarea {...attributes} rows={2} /> : <input type="text" {...attributes} />}
      {hint !== undefined && (
        <p id={`${id}-hint`} class="soft">
          {hint}
        </p>
      )}
    </div>
  )
}
