import { milliseconds } from '../../parts/figures.ts'
import { addTexts as texts } from '../../texts/add.ts'
import { reasonTexts, statusTexts } from '../../texts/status.ts'
import type { ProbeFinding } from './document-preview.ts'

/** What answers at a URL, or why nothing does and what to do. */
export function FoundServer({ probe }: { readonly probe: ProbeFinding }) {
  const { ok, reason, protocol_version: protocol, server_name: name, version, tools, response_time_ms: ms } = probe
  const { meaning, remedy } = reasonTexts[reason]
  const status = ok ? 'healthy' : 'unhealthy'
  const facts = [
    protocol && `MCP ${protocol}`,
    name && [name, version].filter(Boolean).join(' '),
    tools !== undefined && texts.tools(tools),
    milliseconds(ms),
  ].filter((fact) => typeof fact === 'string')
  return (
    <p class="found">
      <span class={`status ${status}`}>
        <span aria-hidden="true">{statusTexts[status].shape}</span> {ok ? texts.answers : texts.doesNotAnswer}
      </span>{' '}
      {ok && (
        <>
          <bdi>{facts.join(' · ')}</bdi>{' '}
        </>
      )}
      {reason !== 'ok' && (
        <>
          {meaning} {remedy} <code>{reason}</code>
        </>
      )}
    </p>
  )
}
