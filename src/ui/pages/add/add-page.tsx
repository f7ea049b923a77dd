import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { refusalOf } from '../../data/rights.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { place, setParameters } from '../../router.ts'
import { addTexts as texts } from '../../texts/add.ts'
import { type DocumentReading, previewDocument, sizeProblem } from './document-preview.ts'
import {
  usualNamespace,
  documentOfForm,
  emptyForm,
  findingOf,
  formFields,
  formFinding,
  formKind,
  probedAddress,
} from './form-state.ts'
import { FoundServer } from './found-server.tsx'
import { Preview } from './preview.tsx'
import { ServerForm } from './server-form.tsx'
import './add.css'

/** Time after the last key before the daemon is asked, in ms. */
const typingMs = 250

/** Adds servers by hand: with a form, or from a pasted config. The daemon says what it would take before anything is written. */
export function AddPage() {
  const isPaste = place.value.parameters.get('from') === 'config'
  const pasted = useSignal('')
  const reading = useSignal<DocumentReading>({})
  const isAdded = useSignal(false)
  const refusal = refusalOf('admin', usualNamespace())
  const fields = formFields.value
  const written = isPaste
    ? { document: pasted.value.trim() === '' ? '' : pasted.value }
    : documentOfForm(formKind.value, fields)
  const problem = written.problem ?? sizeProblem(written.document ?? '')
  const document = problem === undefined ? (written.document ?? '') : ''

  // What was added is not offered again when the page is opened next.
  useEffect(() => () => void (isAdded.peek() && (formFields.value = emptyForm)), [])
  useEffect(() => {
    // What was said of another document is not shown as if it were said of this one.
    reading.value = { document }
    if (document === '') return undefined
    const stopping = new AbortController()
    const { signal } = stopping
    const keep = (next: DocumentReading) => {
      // A probe may have been faster.
      const { document: known, isProbed } = reading.peek()
      if (!signal.aborted && !(isProbed && known === document)) reading.value = next
    }
    const timer = setTimeout(
      () => void previewDocument(document, { signal }).then(keep, (error: Error) => keep({ document, error })),
      typingMs,
    )
    return () => {
      stopping.abort()
      clearTimeout(timer)
    }
  }, [document])

  async function probe(): Promise<string> {
    const next = await previewDocument(document, { isProbed: true })
    reading.value = next
    const [finding] = [...(next.answer?.taken ?? []), ...(next.answer?.refused ?? [])].flatMap((one) => one.probe ?? [])
    if (!isPaste && finding) formFinding.value = { at: probedAddress(fields), probe: finding }
    return ''
  }

  const way = (from: '' | 'config', title: string) => (
    <button type="button" aria-pressed={isPaste === (from === 'config')} onClick={() => setParameters({ from })}>
      {title}
    </button>
  )
  const finding = isPaste ? undefined : findingOf(fields)
  const probeButton = (
    <>
      <p class="row probe">
        <ActionButton run={probe} refusal={refusal ?? (document === '' ? texts.nothingToProbe : undefined)}>
          {texts.probe}
        </ActionButton>
        <span class="soft">{isPaste ? texts.probeWhyAll : texts.probeWhy}</span>
      </p>
      <div role="status">{finding && <FoundServer probe={finding} />}</div>
    </>
  )
  return (
    <section class="add">
      <h1>{texts.title}</h1>
      <p class="soft">{texts.why}</p>
      {refusal !== undefined && <p class="problem">{refusal}</p>}
      <div class="row" role="group" aria-label={texts.ways}>
        {way('', texts.form)} {way('config', texts.paste)}
      </div>
      {isPaste ? (
        <>
          <label class="block">
            {texts.document}
            <textarea
              class="code"
              rows={14}
              spellcheck={false}
              placeholder={texts.documentHint}
              value={pasted.value}
              onInput={(event) => (pasted.value = event.currentTarget.value)}
            />
          </label>
          {probeButton}
        </>
      ) : (
        <ServerForm probeButton={probeButton} />
      )}
      <h2>{texts.preview}</h2>
      <Preview
        reading={problem === undefined ? reading.value : { error: new Error(problem) }}
        isPaste={isPaste}
        refusal={refusal}
        onAdded={() => void (isAdded.value = true)}
      />
    </section>
  )
}
