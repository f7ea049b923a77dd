import type { ServerDefinition } from './server.ts'

/** What a probe of a server calls or runs, and how; `none` where no probe is possible or wanted. */
export type Target =
  | { readonly check: 'mcp' | 'http' | 'tcp'; readonly url: string }
  /** The command itself; only sources that the operator names have theirs run. */
  | { readonly check: 'stdio' }
  | { readonly check: 'none' }

type ProbeFields = Pick<ServerDefinition, 'type' | 'url' | 'enabled' | 'health_check' | 'health_check_url'>
type CommandFields = Pick<ServerDefinition, 'type' | 'command' | 'args' | 'env' | 'cwd'>

/** The target of a server. Disabled servers, and URLs and commands with a `${placeholder}`, are never probed. */
export function targetOf(server: ProbeFields & CommandFields): Target {
  const { type, url, enabled, health_check, health_check_url } = server
  if (enabled && health_check === 'none' && isComplete(server)) return { check: 'stdio' }
  const address = health_check === 'http' ? (health_check_url ?? url) : (url ?? health_check_url)
  if (!enabled || health_check === 'none' || !address || address.includes('${') || !/^https?:/i.test(address))
    return { check: 'none' }
  if (type === 'stdio' && health_check === 'mcp') return { check: 'none' }
  return { check: health_check, url: address }
}

/** Whether a command can be run as it stands. */
function isComplete({ type, command, args = [], env = {}, cwd = '' }: CommandFields): boolean {
  if (type !== 'stdio' || command === undefined) return false
  return ![command, cwd, ...args, ...Object.values(env)].some((text) => text.includes('${'))
}

/** Whether a key is that of a command. */
export function isCommandKey(key: string): boolean {
  return key.startsWith('stdio ')
}

/**
 * A text that is equal for equal targets. Includes the headers, because another token may get another answer; and the source of a
 * command, which decides whether it is run.
 */
export function targetKey(
  server: ProbeFields & CommandFields & Pick<ServerDefinition, 'headers'>,
  source = '',
): string {
  const target = targetOf(server)
  if (target.check === 'stdio') {
    const { command, args, env, cwd } = server
    return `stdio ${source} ${JSON.stringify([command, args, env, cwd])}`
  }
  if (target.check === 'none') return server.enabled ? 'none' : 'disabled'
  return `${target.check} ${target.url} ${server.headers ? JSON.stringify(server.headers) : ''}`
}
