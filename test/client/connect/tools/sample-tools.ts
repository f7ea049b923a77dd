import type { CallTool, FleetTool, ToolResult } from '../../../../src/client/connect/tools/fleet-tool.ts'

const inputSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

export const forecast: FleetTool = {
  server: 'default/weather',
  name: 'weather__forecast',
  tool: { name: 'forecast', description: 'Tells the weather.', inputSchema },
}

/** Answers every call with `result`, and keeps the calls. */
export function recordedCalls(result: ToolResult) {
  const calls: { name: string; args: unknown; signal: AbortSignal | undefined }[] = []
  const call: CallTool = async (name, args, { signal }) => {
    calls.push({ name, args, signal })
    return result
  }
  return { calls, call }
}

export const sunny: ToolResult = {
  content: [
    { type: 'text', text: 'sunny' },
    { type: 'image', data: 'aGVsbG8=', mimeType: 'image/png' },
  ],
}
export const failed: ToolResult = { isError: true, content: [{ type: 'text', text: 'no such city' }] }
