import { type Fact, FactList } from '../../parts/fact-list.tsx'
import { milliseconds } from '../../parts/figures.ts'
import { Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { linkTo } from '../../router.ts'
import { serverTexts as texts } from '../../texts/server/server.ts'
import type { ServerAnswer } from './server-answer.ts'

type ServerProps = { readonly server: ServerAnswer }

/** What is known of a server in short. */
export function ServerFacts({ server }: ServerProps) {
  const { facts } = texts
  const { health } = server
  const shown: readonly Fact[] = [
    [facts.since, <Ago at={health.since} suffix="" />],
    [facts.checked, health.last_checked !== undefined && <Ago at={health.last_checked} />],
    [facts.response, health.response_time_ms !== undefined && milliseconds(health.response_time_ms)],
    [facts.failures, (health.consecutive_failures ?? 0) > 0 && String(health.consecutive_failures)],
    [facts.address, <bdi>{addressOf(server)}</bdi>],
    [facts.type, server.type],
    [facts.protocol, health.protocol_version],
    [facts.version, server.version !== undefined && <bdi>{server.version}</bdi>],
    [facts.tags, server.tags.length > 0 && <Tags tags={server.tags} />],
    [facts.depends, server.dependencies.length > 0 && <bdi>{server.dependencies.join(', ')}</bdi>],
    [facts.updated, <Ago at={server.updated_at} />],
    [facts.created, <Ago at={server.created_at} suffix="" />],
  ]
  return <FactList facts={shown} />
}

function Tags({ tags }: { readonly tags: readonly string[] }) {
  return (
    <>
      {tags.map((tag) => (
        <a key={tag} class="tag" href={linkTo(['servers'], new URLSearchParams({ tag }))}>
          <bdi>{tag}</bdi>
        </a>
      ))}
    </>
  )
}

function addressOf({ url, command, args = [] }: ServerAnswer): string {
  return url ?? [command, ...args].join(' ')
}

/** Which source defines a server, which would without it, and what was set above all of them. */
export function Provenance({ server }: ServerProps) {
  const { from, methods } = texts
  const [next] = server.shadows
  return (
    <>
      <h2>{from.title}</h2>
      <p>
        {from.method} {methods[server.discovery_method]}.{' '}
        <span class="soft">{next ? from.next(next.source, next.origin) : from.alone}</span>
      </p>
      <Table columns={from.columns} class="narrow">
        {server.override && <OverrideRow override={server.override} />}
        {[server, ...server.shadows].map(({ source, origin }, index) => (
          <tr key={`${source} ${origin}`}>
            <td>{index === 0 ? from.inForce : index + 1}</td>
            <td>
              <a href={linkTo(['sources', source])}>
                <bdi>{source}</bdi>
              </a>
            </td>
            <td>
              <bdi>{index === 0 && server.where !== undefined ? `${origin}, ${server.where}` : origin}</bdi>
            </td>
          </tr>
        ))}
      </Table>
    </>
  )
}

function OverrideRow({ override: { enabled, by, at } }: { readonly override: NonNullable<ServerAnswer['override']> }) {
  const { from } = texts
  return (
    <tr>
      <td>{from.aboveAll}</td>
      <td>{from.override}</td>
      <td>
        <code>enabled: {String(enabled)}</code>, <bdi>{from.setBy(by)}</bdi> <Ago at={at} />
      </td>
    </tr>
  )
}
