import { useEffect } from 'preact/hooks'
import { usePolled } from '../../data/polled.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { StatusMark } from '../../parts/status.tsx'
import { linkTo } from '../../router.ts'
import { serverTexts as texts } from '../../texts/server/server.ts'
import { shellTexts } from '../../texts/shell.ts'
import { reasonTexts } from '../../texts/status.ts'
import type { PageProps } from '../dashboard-page.ts'
import { Connect } from './connect/connect.tsx'
import { DefinitionSection } from './definition.tsx'
import { Offers } from './offers.tsx'
import { ProbeHistory } from './probe-history.tsx'
import { ServerActions } from './server-actions.tsx'
import { serverPath, type ServerAnswer } from './server-answer.ts'
import { Provenance, ServerFacts } from './server-facts.tsx'
import { ToolPage } from './tool/tool-page.tsx'
import './server.css'

/** One server, at `/ui/servers/{namespace}/{name}`. Below it, `tools/{tool}` tries a tool. */
export function ServerPage({ parts }: PageProps) {
  // A name without a namespace is one of `default`, as in the API.
  const [namespace = '', name = '', below, tool] = parts.length === 1 ? ['default', ...parts] : parts
  const id = `${namespace}/${name}`
  return <OneServer key={id} id={id} namespace={namespace} name={name} tool={below === 'tools' ? tool : undefined} />
}

type Identity = {
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly tool: string | undefined
}

function OneServer({ id, namespace, name, tool }: Identity) {
  const { value, error, refresh } = usePolled<ServerAnswer>(serverPath({ namespace, name }), { withServer: id })
  useEffect(() => {
    document.title = `${name} · ${shellTexts.product}`
  }, [name])
  const isGone = error?.status === 404
  if (!value) return isGone ? <Unknown id={id} /> : <ProblemSection error={error} />
  if (tool !== undefined) return <ToolPage key={tool} server={value} tool={tool} />
  return (
    <section class="server">
      <p class="soft crumbs">
        <a href={linkTo(['servers'])}>{texts.servers}</a> / {namespace} / <bdi>{name}</bdi>
      </p>
      <div class="head">
        <h1>
          <bdi>{value.title ?? value.name}</bdi>
        </h1>
        <StatusMark status={value.status} />
        {!value.enabled && <span class="badge">{texts.disabled}</span>}
        {value.stale && (
          <span class="badge warn" title={texts.staleHelp}>
            {texts.stale}
          </span>
        )}
        <a href={linkTo(['events'], new URLSearchParams({ server: id }))}>{texts.events}</a>
        {!isGone && <ServerActions server={value} refresh={refresh} />}
      </div>
      {isGone ? (
        <p class="problem" role="alert">
          {texts.removed} <a href={linkTo(['servers'])}>{texts.allServers}</a>
        </p>
      ) : (
        <ProblemLine error={error} />
      )}
      <Reason server={value} />
      {value.description !== undefined && (
        <p class="about">
          <bdi>{value.description}</bdi>
        </p>
      )}
      <ServerFacts server={value} />
      <ProbeHistory server={value} />
      <Connect server={value} />
      <Offers server={value} />
      <Provenance server={value} />
      <DefinitionSection server={value} />
    </section>
  )
}

function ProblemSection({ error }: Parameters<typeof ProblemLine>[0]) {
  return (
    <section>
      <ProblemLine error={error} />
    </section>
  )
}

function Unknown({ id }: { readonly id: string }) {
  return (
    <section class="empty">
      <h1>
        <bdi>{texts.unknown(id)}</bdi>
      </h1>
      <p>{texts.unknownHelp}</p>
      <p>
        <a href={linkTo(['servers'])}>{texts.allServers}</a>
      </p>
    </section>
  )
}

/** The reason of the status in words, and what to do about it. */
function Reason({ server: { health, enabled } }: { readonly server: ServerAnswer }) {
  const reason = enabled ? health.reason : 'disabled'
  if (reason === undefined) return null
  const { meaning, remedy } = reasonTexts[reason]
  return (
    <p class="reason">
      {meaning}{' '}
      {remedy !== undefined && (
        <span class="soft">
          {texts.remedy} {remedy}
        </span>
      )}
    </p>
  )
}
