import type { FleetTool, ToolResult } from '../../../../src/client/connect/tools/fleet-tool.ts'

const inputSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

export const forecast: FleetTool = {
  server: 'default/weather',
  name: 'weather__forecast',
  tool: { name: 'forecast', description: 'Tells the weather.', inputSchema },
}

/** Answers every call with `result`, and keeps the calls. */
export function recordedCalls(result: ToolResult | Error) {
  const calls: { name: string; args: unknown; signal: AbortSignal | undefined }[] = []
  return {
    calls,
    async call(name: string, args: unknown, { signal }: { signal?: AbortSignal | undefined }) {
      calls.push({ name, args, signal })
      if (result instanceof Error) throw result
      return result
    },
  }
}

export const sunny: ToolResult = {
  content: [
    { type: 'text', text: 'sunny' },
    { type: 'image', data: 'aGVsbG8=', mimeType: 'image/png' },
  ],
}
export const failed: ToolResult = { isError: true, content: [{ type: 'text', text: 'no such city' }] }
