import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

/** Calls a tool of an agent as MCP clients do; the text of its answer. */
export async function callTool(
  url: string | undefined,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', url)))
  try {
    const { content } = await client.callTool({ name, arguments: args })
    const [first] = content
    return first?.type === 'text' ? first.text : JSON.stringify(content)
  } finally {
    await client.close()
  }
}
