import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { CopyText } from '../../parts/copy-text.tsx'
import { serverTexts } from '../../texts/server/server.ts'
import { writtenDefinition, type ServerAnswer } from './server-answer.ts'

const { definition: texts } = serverTexts

/** The definition of a server, ready to be put into a file. */
export function DefinitionSection({ server }: { readonly server: ServerAnswer }) {
  const language = useSignal<'yaml' | 'json'>('yaml')
  const yaml = useSignal('')
  const { name, ...fields } = writtenDefinition(server)
  const json = JSON.stringify({ servers: { [String(name)]: fields } }, null, 2)

  useEffect(() => {
    import('./yaml-text.ts').then(
      ({ toYaml }) => (yaml.value = toYaml(JSON.parse(json))),
      // The daemon is away, or was updated meanwhile.
      () => (language.value = 'json'),
    )
  }, [json])

  const choice = (one: 'yaml' | 'json') => (
    <button type="button" aria-pressed={language.value === one} onClick={() => (language.value = one)}>
      {texts[one]}
    </button>
  )
  return (
    <>
      <h2>{texts.title}</h2>
      <p class="row">
        {choice('yaml')} {choice('json')} <span class="soft">{texts.why}</span>
      </p>
      <CopyText text={language.value === 'yaml' ? yaml.value : json} label={texts.title} />
    </>
  )
}
