import type { ServerProbe } from '../../../client/index.ts'
import { request } from '../../data/api.ts'
import { milliseconds } from '../../parts/figures.ts'
import { serverActionTexts as texts } from '../../texts/server/server-actions.ts'
import { reasonTexts } from '../../texts/status.ts'
import { serverPath, type ServerAnswer } from './server-answer.ts'

type ServerPlace = Pick<ServerAnswer, 'namespace' | 'name'>
type Checked = { readonly enabled: boolean; readonly health_check?: string | undefined }

/** Probes a server now; resolves with what was found, for people. */
export async function probeServer(server: ServerPlace): Promise<string> {
  const outcome = await request<ServerProbe>(`${serverPath(server)}/probe`, { method: 'POST' })
  const text = texts.probed(outcome.ok, reasonTexts[outcome.reason].meaning, milliseconds(outcome.response_time_ms))
  return outcome.suspected ? `${text} ${texts.suspected}` : text
}

/** Why a server is not probed; undefined where it is. */
export function probeRefusal({ enabled, health_check: check }: Checked): string | undefined {
  if (!enabled) return texts.probeRefused.disabled
  return check === 'none' ? texts.probeRefused.notCheckable : undefined
}

/** Enables or disables a server; resolves with what that means, for people. */
export async function switchServer(
  server: Pick<ServerAnswer, 'namespace' | 'name' | 'discovery_method' | 'override'>,
  enabled: boolean,
): Promise<string> {
  const path = serverPath(server)
  // What was written by hand is changed there; what a source found is switched above it.
  const isOwn = server.discovery_method === 'manual' && !server.override
  await request(isOwn ? path : `${path}/override`, { method: isOwn ? 'PATCH' : 'PUT', body: { enabled } })
  return enabled ? texts.enabled : texts.disabled
}
