/** What of a server says where it answers MCP. */
type Addressed = { readonly url?: string | undefined; readonly discovery_method: string }

/**
 * Where clients reach a server by MCP: its URL. Agents register their address alone, and every published runtime answers at
 * `/mcp` below it; a path that an agent registers is taken as it is.
 */
export function mcpUrlOf({ url, discovery_method }: Addressed): string | undefined {
  if (url === undefined || discovery_method !== 'registered') return url
  return /^https?:\/\/[^/?#]+\/?$/i.test(url) ? `${url.replace(/\/$/, '')}/mcp` : url
}
