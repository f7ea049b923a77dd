import { signal } from '@preact/signals'
import { usePolled } from '../../../data/polled.ts'
import { CopyText } from '../../../parts/copy-text.tsx'
import { ProblemLine } from '../../../parts/problem-line.tsx'
import { apiUrl } from '../../../router.ts'
import { connectTexts as texts } from '../../../texts/server/connect.ts'
import type { ServerAnswer } from '../server-answer.ts'
import type { ClientEntry } from './client-entry.ts'
import { type ClientGuide, clientGuides, type Given } from './clients.ts'

const key = 'mcp-roster client'

/** The client that was chosen last, on any page of a server. */
const chosen = signal(localStorage.getItem(key) ?? '')

/** How each client is connected to the server: what to copy, and where it goes. */
export function Connect({ server }: { readonly server: ServerAnswer }) {
  const guide = clientGuides.find(({ id }) => id === chosen.value) ?? clientGuides[0]!
  return (
    <>
      <h2>{texts.title}</h2>
      <div class="row clients" role="group" aria-label={texts.clients}>
        {clientGuides.map(({ id, name }) => (
          <button key={id} type="button" class="chip" aria-pressed={id === guide.id} onClick={() => choose(id)}>
            {name}
          </button>
        ))}
      </div>
      {server.enabled ? (
        <Guide key={guide.format} server={server} guide={guide} />
      ) : (
        <p class="soft">{texts.disabled}</p>
      )}
    </>
  )
}

function choose(id: string): void {
  chosen.value = id
  localStorage.setItem(key, id)
}

/** `GET /discover?format=…`. */
type ClientConfigAnswer = {
  readonly mcpServers?: Readonly<Record<string, ClientEntry>>
  readonly servers?: Readonly<Record<string, ClientEntry>>
  readonly inputs?: readonly unknown[]
}

function Guide({ server, guide }: { readonly server: ServerAnswer; readonly guide: ClientGuide }) {
  const { namespace, name } = server
  const query = new URLSearchParams({ format: guide.format, namespace, name })
  const { value, error } = usePolled<ClientConfigAnswer>(`discover?${query.toString()}`, {
    everyMs: 60_000,
    withServer: server.id,
  })
  if (!value) return <ProblemLine error={error} />
  const [first] = Object.entries(value.mcpServers ?? value.servers ?? {})
  if (!first) return <p class="soft">{texts.notGiven}</p>
  const given: Given = { name: first[0], entry: first[1], inputs: value.inputs ?? [] }
  const tool = server.capabilities.find(({ kind }) => kind === 'tool')?.name
  const text = guide.text(given, { ...server, tool, protocol: server.health.protocol_version, daemon: apiUrl.href })
  const note = guide.note?.(given)
  if (text === undefined) return <p class="soft">{texts.noUrl}</p>
  return (
    <div class="guide">
      <p>
        {guide.place.endsWith(':') ? (
          guide.place
        ) : (
          <>
            {texts.put} <code>{guide.place}</code>:
          </>
        )}
      </p>
      <CopyText text={text} label={`${guide.name}: ${guide.place}`} />
      {guide.link && (
        <p>
          <a class="button" href={guide.link(given)}>
            {texts.install(guide.name)}
          </a>
        </p>
      )}
      {note !== undefined && note !== '' && <p class="soft">{note}</p>}
      {given.entry.command !== undefined && <p class="soft">{texts.stdio}</p>}
    </div>
  )
}
