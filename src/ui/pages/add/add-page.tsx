import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { refusalOf } from '../../data/rights.ts'
import { place, setParameters } from '../../router.ts'
import { addTexts as texts } from '../../texts/add.ts'
import { toCandidates, readPasted, type ReadDraft } from './candidates.ts'
import { emptyForm, formFields, formKind, serverOfForm } from './form-state.ts'
import { Preview } from './preview.tsx'
import { ServerForm } from './server-form.tsx'
import './add.css'

/** Time after the last key before what is written is read, in ms. */
const typingMs = 250

/** Adds servers by hand: with a form, or from a pasted config. Nothing is written before the preview agrees. */
export function AddPage() {
  const isPaste = place.value.parameters.get('from') === 'config'
  const pasted = useSignal('')
  const reading = useSignal<ReadDraft>({ candidates: [] })
  const isAdded = useSignal(false)
  const refusal = refusalOf('admin')
  const text = pasted.value
  const fields = formFields.value
  const kind = formKind.value

  // What was added is not offered again when the page is opened next.
  useEffect(() => () => void (isAdded.peek() && (formFields.value = emptyForm)), [])
  useEffect(() => {
    let isCurrent = true
    const timer = setTimeout(() => {
      void read(isPaste, text).then((next) => {
        if (isCurrent) reading.value = next
      })
    }, typingMs)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [isPaste, text, fields, kind])

  const way = (from: '' | 'config', title: string) => (
    <button
      type="button"
      aria-pressed={isPaste === (from === 'config')}
      onClick={() => {
        reading.value = { candidates: [] }
        setParameters({ from })
      }}
    >
      {title}
    </button>
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
      ) : (
        <ServerForm />
      )}
      <h2>{texts.preview}</h2>
      <Preview reading={reading.value} refusal={refusal} onAdded={() => void (isAdded.value = true)} />
    </section>
  )
}

async function read(isPaste: boolean, text: string): Promise<ReadDraft> {
  if (isPaste) return text.trim() === '' ? { candidates: [] } : readPasted(text)
  const server = serverOfForm(formKind.peek(), formFields.peek())
  return { candidates: server ? toCandidates([server]) : [] }
}
