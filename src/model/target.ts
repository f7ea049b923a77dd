import type { ServerDefinition } from './server.ts'

/** What a probe of a server calls, and how; `none` where no probe is possible or wanted. */
export type Target = { readonly check: 'mcp' | 'http' | 'tcp'; readonly url: string } | { readonly check: 'none' }

type ProbeFields = Pick<ServerDefinition, 'type' | 'url' | 'enabled' | 'health_check' | 'health_check_url'>

/** The target of a server. Disabled servers, commands and URLs with a `${placeholder}` are never probed. */
export function targetOf({ type, url, enabled, health_check, health_check_url }: ProbeFields): Target {
  const address = health_check === 'http' ? (health_check_url ?? url) : (url ?? health_check_url)
  if (!enabled || health_check === 'none' || !address || address.includes('${') || !/^https?:/i.test(address))
    return { check: 'none' }
  if (type === 'stdio' && health_check === 'mcp') return { check: 'none' }
  return { check: health_check, url: address }
}

/** A text that is equal for equal targets. Includes the headers, because another token may get another answer. */
export function targetKey(server: ProbeFields & Pick<ServerDefinition, 'headers'>): string {
  const target = targetOf(server)
  if (target.check === 'none') return server.enabled ? 'none' : 'disabled'
  return `${target.check} ${target.url} ${server.headers ? JSON.stringify(server.headers) : ''}`
}
