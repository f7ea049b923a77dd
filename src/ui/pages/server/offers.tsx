import { useComputed, useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { Table } from '../../parts/table.tsx'
import { linkTo } from '../../router.ts'
import { serverTexts } from '../../texts/server/server.ts'
import { isOpenSchema, isSchema, toolParameters } from './schema.ts'
import type { ServerAnswer, ServerCapability } from './server-answer.ts'

const { offers: texts } = serverTexts
/** Characters of a description that fit into one line. */
const summaryLength = 160
const kinds = ['tool', 'prompt', 'resource', 'extension', 'declared'] as const
/** What the daemon asks a server for. */
const listed = ['tool', 'prompt', 'resource'] as const

/** Tools, prompts and resources of a server. Details are made when they are opened: there may be hundreds. */
export function Offers({ server }: { readonly server: ServerAnswer }) {
  // They change with the version only; the rest of the answer with every probe.
  return useMemo(() => <OfferLists server={server} />, [server.id, server.resource_version])
}

function OfferLists({ server }: { readonly server: ServerAnswer }) {
  const wanted = useSignal('')
  const words = useComputed(() => wanted.value.toLowerCase().split(/\s+/).filter(Boolean))
  const { capabilities } = server
  const fits = ({ name, description = '' }: ServerCapability) => {
    const text = `${name} ${description}`.toLowerCase()
    return words.value.every((word) => text.includes(word))
  }
  const found = capabilities.filter(fits)
  // Only of a server that was asked: a definition names what it likes.
  const isListed = capabilities.some(({ origin }) => origin === 'introspected')
  const missing = isListed ? listed.filter((kind) => capabilities.every((one) => one.kind !== kind)) : []
  return (
    <>
      <h2>{texts.title}</h2>
      {capabilities.length === 0 && <p class="soft">{texts.none}</p>}
      {capabilities.length > 8 && (
        <label class="search">
          <span class="hidden">{texts.filter}</span>
          <input
            type="search"
            placeholder={texts.filter}
            value={wanted.value}
            onInput={(event) => (wanted.value = event.currentTarget.value)}
          />
        </label>
      )}
      {capabilities.length > 0 && found.length === 0 && <p class="soft">{texts.noneMatches}</p>}
      {missing.length > 0 && <p class="soft">{texts.missing(missing)}</p>}
      {kinds.map((kind) => {
        const items = found.filter((one) => one.kind === kind)
        return items.length === 0 ? null : <Kind key={kind} kind={kind} items={items} server={server} />
      })}
    </>
  )
}

type KindProps = {
  readonly kind: (typeof kinds)[number]
  readonly items: readonly ServerCapability[]
  readonly server: ServerAnswer
}

function Kind({ kind, items, server }: KindProps) {
  return (
    <>
      <h3>
        {texts.kinds[kind]} <span class="count">{items.length.toLocaleString('en')}</span>
      </h3>
      <ul class="offers">
        {items.map((item) => (
          <li key={item.name}>
            <Offer item={item} server={server} />
          </li>
        ))}
      </ul>
    </>
  )
}

function Offer({ item, server }: { readonly item: ServerCapability; readonly server: ServerAnswer }) {
  const isOpen = useSignal(false)
  const tool = item.function_name ?? item.name
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>
        <code>
          <bdi>{item.name}</bdi>
        </code>{' '}
        {item.stability !== 'stable' && <span class="badge">{item.stability}</span>}
        {item.origin === 'declared' && item.kind !== 'declared' && <span class="badge">{texts.declared}</span>}
        <span class="soft line">
          <bdi>{item.description?.slice(0, summaryLength)}</bdi>
        </span>
      </summary>
      {isOpen.value && (
        <div class="inside">
          {item.description !== undefined && (
            <p class="about">
              <bdi>{item.description}</bdi>
            </p>
          )}
          {(item.kind === 'tool' || item.function_name !== undefined) && (
            <p>
              <a href={linkTo(['servers', server.namespace, server.name, 'tools', tool])}>{texts.try}</a>
            </p>
          )}
          {item.kind === 'resource' && <Resource item={item} />}
          {hasInput(item) && <Input item={item} />}
          {!hasInput(item) && item.description === undefined && item.mime_type === undefined && (
            <p class="soft">{texts.nothingMore}</p>
          )}
        </div>
      )}
    </details>
  )
}

/** The summary may cut the URI. */
function Resource({ item: { name, mime_type: type } }: { readonly item: ServerCapability }) {
  return (
    <p>
      {texts.uri}{' '}
      <code>
        <bdi>{name}</bdi>
      </code>
      {type !== undefined && (
        <>
          <br />
          {texts.mimeType} <bdi>{type}</bdi>
        </>
      )}
    </p>
  )
}

const hasInput = ({ kind, input_schema }: ServerCapability) =>
  kind === 'tool' || kind === 'prompt' || input_schema !== undefined

function Input({ item: { kind, input_schema: schema } }: { readonly item: ServerCapability }) {
  const parameters = toolParameters(schema)
  if (!schema || (parameters.length === 0 && !(isSchema(schema) && isOpenSchema(schema))))
    return <p class="soft">{kind === 'prompt' ? texts.noArguments : texts.noSchema}</p>
  return (
    <>
      {parameters.length > 0 && (
        <Table columns={texts.columns} class="narrow">
          {parameters.map(({ name, type, isRequired, description, values, byDefault }) => (
            <tr key={name}>
              <td>
                <code>
                  <bdi>{name}</bdi>
                </code>{' '}
                {isRequired && <span class="badge">{texts.required}</span>}
              </td>
              <td>
                <bdi>{type}</bdi>
              </td>
              <td>
                <bdi>
                  {[
                    description,
                    values && texts.oneOf(values.join(', ')),
                    byDefault !== undefined && texts.byDefault(byDefault),
                  ]
                    .filter(Boolean)
                    .join('; ')}
                </bdi>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <details>
        <summary>{texts.schema}</summary>
        <pre tabIndex={0} role="region" aria-label={texts.schema}>
          <bdi>{JSON.stringify(schema, null, 2)}</bdi>
        </pre>
      </details>
    </>
  )
}
