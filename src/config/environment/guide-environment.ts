import type { ConfigDocument } from '../loading/document.ts'
import type { Setting } from '../setting-origin.ts'
import { createVariableLookup, type Environment } from './variable-lookup.ts'

/** Names that the ConfigMap of the mesh registry's Kubernetes guide sets, and hardly anything else. */
const guideNames = ['REGISTRY_PORT', 'ENABLE_LEADER_ELECTION', 'AGENT_TIMEOUT'] as const

/**
 * The role of callers without a token where the environment is that of the mesh registry's Kubernetes guide.
 *
 * Its Secret sets `AUTH_TOKEN`, which its registry never checked, so none of its agents sends a token. Undefined where
 * the config says anything else about access: in its file, in `MCP_ROSTER_AUTH_…`, or by `AUTH_TOKEN_FILE`.
 */
export function anonymousOfGuide(
  env: Environment,
  settings: readonly Setting[],
  document: Pick<ConfigDocument, 'has'> | undefined,
): { readonly setting: Setting; readonly warning: string } | undefined {
  const access = settings.filter(({ path }) => path[0] === 'auth')
  const isTokenOfGuide = ({ origin }: Setting) => origin.from === 'environment' && origin.name === 'AUTH_TOKEN'
  if (access.length === 0 || !access.every(isTokenOfGuide)) return undefined
  if (env['AUTH_TOKEN_FILE'] || document?.has(['auth'])) return undefined
  const lookup = createVariableLookup(env, { onUnreadable: () => {}, onIgnoredFile: () => {} })
  const name = guideNames.find((one) => lookup(one) !== undefined)
  if (name === undefined) return undefined
  const why = `AUTH_TOKEN with ${name}, as in the Kubernetes guide of the mesh registry`
  return {
    setting: { path: ['auth', 'anonymous'], value: 'registrar', origin: { from: 'default', why } },
    warning:
      `${why}, whose agents send no token: callers without a token may register agents; ` +
      'set auth.anonymous to registrar to confirm this, or to reader to require a token',
  }
}
