import type { ServerDefinition } from './server.ts'

/** What is probed, and how; `none` where nothing can or should be. */
export type Target = { readonly check: 'mcp' | 'http' | 'tcp'; readonly url: string } | { readonly check: 'none' }

type Checked = Pick<ServerDefinition, 'type' | 'url' | 'enabled' | 'health_check' | 'health_check_url'>

/** A URL with a placeholder nobody expanded is never called, a disabled server and a command are not checked. */
export function targetOf({ type, url, enabled, health_check, health_check_url }: Checked): Target {
  const asked = health_check === 'http' ? (health_check_url ?? url) : (url ?? health_check_url)
  if (!enabled || health_check === 'none' || !asked || asked.includes('${') || !/^https?:/i.test(asked))
    return { check: 'none' }
  if (type === 'stdio' && health_check === 'mcp') return { check: 'none' }
  return { check: health_check, url: asked }
}

/** A text that is equal for equal targets. Headers count: with another token, another answer. */
export function targetKey(server: Checked & Pick<ServerDefinition, 'headers'>): string {
  const target = targetOf(server)
  if (target.check === 'none') return server.enabled ? 'none' : 'disabled'
  return `${target.check} ${target.url} ${server.headers ? JSON.stringify(server.headers) : ''}`
}
