import manifest from '../../package.json' with { type: 'json' }
import type { Command } from './command.ts'

export const version = manifest.version

/** Text of `mcp-roster --help`. */
export async function generalHelp(commands: Readonly<Record<string, () => Promise<Command>>>): Promise<string> {
  const rows = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => [name, (await load()).summary] as const),
  )
  return [
    `mcp-roster ${version}: finds every MCP server and agent, keeps one live registry of them, and serves it.`,
    '',
    'Usage: mcp-roster [serve] [DIR…]',
    '       mcp-roster COMMAND [--help]',
    '',
    'Commands:',
    ...columns(rows),
    '',
    'Exit codes: 0 success, 1 a problem was found, 2 wrong usage.',
    '',
  ].join('\n')
}

/** Text of `mcp-roster COMMAND --help`. */
export function commandHelp(name: string, { summary, usage, help }: Command): string {
  const rows = [...help, ['-h, --help', 'Show this help.'] as const]
  return [summary, '', `Usage: mcp-roster ${name} ${usage}`, '', ...columns(rows), ''].join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
