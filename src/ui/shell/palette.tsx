import { computed, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { request } from '../data/api.ts'
import { servers } from '../data/live-servers.ts'
import { refusalOf } from '../data/rights.ts'
import { pages } from '../pages/pages.ts'
import { notify, notifyError } from '../parts/notices.tsx'
import { linkTo, open } from '../router.ts'
import { paletteTexts as texts } from '../texts/palette.ts'
import { choicesFor } from './server-choices.ts'

type Choice = {
  readonly key: string
  readonly kind: keyof typeof texts.kinds
  readonly text: string
  /** Why it cannot be chosen. */
  readonly refusal?: string | undefined
  readonly choose: () => void
}

const isOpen = signal(false)
const wanted = signal('')
const active = signal(0)
const maxChoices = 12

/** As the keys of this machine are labelled. */
const shortcut = /mac|iphone|ipad/i.test(navigator.platform) ? '⌘K' : 'Ctrl K'

/** What is done at the daemon, from any page. */
const actions: readonly { readonly text: string; readonly path: string }[] = [
  { text: 'Read all sources now', path: 'discover' },
  { text: 'Reload the config', path: '-/reload' },
]

async function act(text: string, run: () => Promise<string>): Promise<void> {
  notify(texts.running(text))
  try {
    notify(await run())
  } catch (error) {
    notifyError(error)
  }
}

async function post(text: string, path: string): Promise<string> {
  await request(path, { method: 'POST' })
  return texts.done(text)
}

const choices = computed<readonly Choice[]>(() => {
  if (!isOpen.value) return []
  const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean)
  const fits = (text: string) => words.every((word) => text.toLowerCase().includes(word))
  const found: Choice[] = pages
    .filter(({ isInMenu, title }) => isInMenu && fits(title))
    .map(({ path, title }) => ({
      key: `page ${path}`,
      kind: 'page',
      text: title,
      choose: () => open(linkTo(path === '' ? [] : [path])),
    }))
  for (const { text, path } of actions)
    if (fits(text))
      found.push({
        key: path,
        kind: 'action',
        text,
        refusal: refusalOf('admin'),
        choose: () => void act(text, () => post(text, path)),
      })
  if (words.length === 0) return found.slice(0, maxChoices)
  // Servers before what can be done with them, which a word like "probe" brings to the top.
  const work: Choice[] = []
  for (const row of servers.rows.values()) {
    if (found.length >= maxChoices) break
    const { id, namespace, name, title = '' } = row
    if (fits(`${id} ${title}`))
      found.push({ key: id, kind: 'server', text: id, choose: () => open(linkTo(['servers', namespace, name])) })
    if (work.length >= maxChoices) continue
    for (const { key, text, refusal, run } of choicesFor(row, words))
      work.push({ key, kind: 'action', text, refusal, choose: () => void act(text, run) })
  }
  return [...found, ...work].slice(0, maxChoices)
})

/** Opens everything by a few letters. Ctrl or ⌘ with K opens it. */
export function Palette() {
  const dialog = useRef<HTMLDialogElement>(null)

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      show()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])

  function show(): void {
    wanted.value = ''
    active.value = 0
    isOpen.value = true
    dialog.current?.showModal()
  }

  function choose(choice: Choice | undefined): void {
    if (!choice || choice.refusal !== undefined) return
    dialog.current?.close()
    choice.choose()
  }

  function onKeyDown(event: KeyboardEvent): void {
    const last = choices.peek().length - 1
    if (event.key === 'ArrowDown') active.value = Math.min(last, active.peek() + 1)
    else if (event.key === 'ArrowUp') active.value = Math.max(0, active.peek() - 1)
    else if (event.key === 'Enter') choose(choices.peek()[active.peek()])
    else return
    event.preventDefault()
  }

  return (
    <>
      <button type="button" class="quiet" title={texts.open} onClick={show}>
        {texts.button} <kbd>{shortcut}</kbd>
      </button>
      <dialog ref={dialog} class="palette" aria-label={texts.title} onClose={() => (isOpen.value = false)}>
        <input
          type="text"
          role="combobox"
          aria-label={texts.hint}
          aria-expanded="true"
          aria-controls="palette-choices"
          aria-activedescendant={choices.value.length > 0 ? `choice-${active.value}` : undefined}
          placeholder={texts.hint}
          value={wanted.value}
          onInput={(event) => {
            wanted.value = event.currentTarget.value
            active.value = 0
          }}
          onKeyDown={onKeyDown}
        />
        <ul id="palette-choices" role="listbox" aria-label={texts.results}>
          {choices.value.map((choice, index) => (
            <li
              key={choice.key}
              id={`choice-${index}`}
              role="option"
              aria-selected={index === active.value}
              aria-disabled={choice.refusal !== undefined}
              onClick={() => choose(choice)}
            >
              <bdi>{choice.text}</bdi> <span class="soft">{choice.refusal ?? texts.kinds[choice.kind]}</span>
            </li>
          ))}
        </ul>
        {isOpen.value && choices.value.length === 0 && <p class="soft">{texts.nothing}</p>}
      </dialog>
    </>
  )
}
