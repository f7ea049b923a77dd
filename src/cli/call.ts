import { text as readText } from 'node:stream/consumers'
import type { CallToolResult } from '@modelcontextprotocol/client'
import { FleetError } from '../client/connect/fleet-error.ts'
import { isJsonObject } from '../model/data/json-object.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { type Command, CommandError, type Invocation, UsageError } from './command.ts'
import { credentialsHint, fleetHelp, fleetOptions, mayStart, openFleet, serverOf } from './fleet.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { escapeControls, escapeControlsKeepingLines } from './text.ts'

/** Exit code of a command that a signal ended, by the convention of shells. */
const interrupted = 130

export const call: Command = {
  summary: 'Call a tool of a server.',
  usage: 'SERVER TOOL [JSON|-] [--allow-stdio] [-o text|json|yaml]',
  options: { ...outputOptions, ...fleetOptions },
  help: [
    ['SERVER', 'NAME or NAMESPACE/NAME, as "mcp-roster list" shows it.'],
    ['JSON', 'The arguments as a JSON object; - reads it from standard input.'],
    ['-o, --output FORM', 'text (default), json or yaml: the whole answer.'],
    ...fleetHelp,
  ],
  async run(invocation) {
    const [place, tool, json, ...others] = invocation.positionals
    if (place === undefined || tool === undefined || others.length > 0)
      throw new UsageError('call takes a server, a tool and the arguments as JSON')
    const form = outputFormat(invocation, ['text', 'json', 'yaml'])
    const args = await argumentsOf(json, invocation)
    const server = await serverOf(invocation, place)
    if (!(await mayStart(invocation, server))) return 1
    const { name, namespace } = server
    await using fleet = await openFleet(invocation, { query: { name, namespace }, stdio: () => true })
    try {
      const result = await fleet.call(tool, args, { server: server.id, ...progressOf(invocation) })
      return await print(result, form, invocation)
    } catch (error) {
      if (invocation.signal.aborted) return interrupted
      if (!(error instanceof FleetError)) throw error
      throw new CommandError(
        redactText(escapeControls(`${error.message}${credentialsHint(error.message)}${hintOf(tool, fleet)}`)),
        {
          cause: error,
        },
      )
    }
  },
}

async function argumentsOf(json: string | undefined, { input }: Invocation): Promise<Record<string, unknown>> {
  if (json === undefined) return {}
  const text = json === '-' ? await readText(input()) : json
  try {
    const value: unknown = JSON.parse(text)
    if (isJsonObject(value)) return value
  } catch (error) {
    throw new UsageError(`the arguments are not JSON: ${(error as Error).message}`, { cause: error })
  }
  throw new UsageError('the arguments must be a JSON object such as {"city":"Bern"}')
}

function progressOf({ terminal }: Invocation) {
  if (!terminal.tty) return {}
  return {
    onProgress: ({
      progress,
      total,
      message,
    }: {
      progress: number
      total?: number | undefined
      message?: string | undefined
    }) => {
      const share = total === undefined ? String(progress) : `${progress} of ${total}`
      terminal.err(`${escapeControls(message === undefined ? share : `${share}: ${message}`)}\n`)
    },
  }
}

/** Prints the answer of a tool: to standard error with exit code 1 where it failed. */
async function print(
  result: CallToolResult,
  form: 'text' | 'json' | 'yaml',
  { terminal }: Invocation,
): Promise<number> {
  const write = result.isError ? terminal.err : terminal.out
  if (form === 'text') write(result.content.map((part) => `${escapeControlsKeepingLines(lineOf(part))}\n`).join(''))
  else terminal.out(await render(result, form))
  if (form === 'text' && result.content.length === 0 && result.structuredContent !== undefined)
    write(await render(result.structuredContent, 'json'))
  return result.isError ? 1 : 0
}

function lineOf(part: CallToolResult['content'][number]): string {
  if (part.type === 'text') return part.text
  if (part.type === 'resource') return 'text' in part.resource ? part.resource.text : `[resource ${part.resource.uri}]`
  if (part.type === 'resource_link') return `[resource ${part.uri}]`
  return `[${part.type} ${part.mimeType}, ${Buffer.byteLength(part.data, 'base64')} bytes]`
}

/** What the server offers, where it does not offer this tool. */
function hintOf(tool: string, fleet: { toolList: () => readonly { tool: { name: string } }[] }): string {
  const names = fleet.toolList().map((one) => one.tool.name)
  if (names.length === 0 || names.includes(tool)) return ''
  return `. Its tools: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`
}
