import type * as Mcp from '@modelcontextprotocol/server'
import { importClientSdk, importServerSdk } from '../../peer-packages.ts'
import { resultOf } from '../calls/call-result.ts'
import { inputSchemaOf, isStandardSchema, type Tool } from '../tool.ts'

export type McpServerModule = typeof Mcp
type McpServer = InstanceType<McpServerModule['McpServer']>
type Server = InstanceType<McpServerModule['Server']>
type InputSchema = Mcp.StandardSchemaWithJSON

/** Runs a tool with its dependencies; the answer where it may not run. */
export type RunTool = (tool: Tool, args: unknown, context: Mcp.ServerContext) => Promise<unknown>

/** Limits of the endpoint. */
export type EndpointLimits = { readonly maxBodyBytes: number; readonly onError: (error: Error) => void }

/** Serves the tools of an agent by MCP, in both eras of the protocol, without sessions: a light server for each request. */
export async function createToolEndpoint({
  info,
  tools,
  run,
  limits,
}: {
  info: { name: string; version: string; title?: string }
  tools: () => Iterable<Tool>
  run: RunTool
  limits: EndpointLimits
}) {
  const mcp = await importServerSdk()
  // A schema that is made for each request costs more than the call.
  const schemas = new WeakMap<Tool, InputSchema>()

  function schemaOf(tool: Tool): InputSchema {
    const schema = schemas.get(tool) ?? toInputSchema(mcp, tool)
    schemas.set(tool, schema)
    return schema
  }

  function createServer(): McpServer {
    const server = new mcp.McpServer(info, { capabilities: { tools: { listChanged: true } } })
    for (const tool of tools()) {
      const { title, description, annotations } = tool.options
      server.registerTool(
        tool.name,
        {
          ...(title !== undefined && { title }),
          ...(description !== undefined && { description }),
          ...(annotations && { annotations }),
          inputSchema: schemaOf(tool),
        },
        async (args, context) => resultOf(tool.name, await run(tool, args, context)) as Mcp.CallToolResult,
      )
    }
    return server
  }

  return mcp.createMcpHandler(createServer, {
    maxRequestBodySize: limits.maxBodyBytes,
    onerror: limits.onError,
  })
}

export type McpEndpoint = Awaited<ReturnType<typeof createToolEndpoint>>

/** The schema of a tool as the library takes it: one that cannot show itself as JSON Schema still checks the arguments. */
function toInputSchema({ fromJsonSchema }: McpServerModule, { options }: Tool): InputSchema {
  const { schema } = options
  if (schema === undefined || !isStandardSchema(schema)) return fromJsonSchema(inputSchemaOf(options))
  if (schema['~standard'].jsonSchema && !options.json_schema) return schema as unknown as InputSchema
  const show = () => inputSchemaOf(options)
  return { '~standard': { ...schema['~standard'], jsonSchema: { input: show, output: show } } } as InputSchema
}

/** What people serve by MCP already: one server, or a function that makes one for each request. */
export type WrappedServer = McpServer | Server | (() => McpServer | Server | Promise<McpServer | Server>)

type Handler = (request: { params?: { name?: string } }, context: Mcp.ServerContext) => Promise<unknown>

/**
 * Serves an existing MCP server, with the dependencies of its tools around each call.
 *
 * One `McpServer` answers only one request at a time; its handlers answer any number of them. So they are given to a light server
 * for each request.
 */
export async function createWrappedEndpoint({
  wrapped,
  around,
  limits,
}: {
  wrapped: WrappedServer
  around: (tool: string, context: Mcp.ServerContext, call: () => Promise<unknown>) => Promise<unknown>
  limits: EndpointLimits
}) {
  const mcp = await importServerSdk()

  async function createServer(): Promise<Server> {
    const made = typeof wrapped === 'function' ? await wrapped() : wrapped
    const original = partsOf(made)
    const server = new mcp.Server(original.info, {
      capabilities: original.capabilities,
      ...(original.instructions !== undefined && { instructions: original.instructions }),
    })
    const own = partsOf(server).handlers
    for (const [method, handle] of original.handlers) {
      if (method === 'tools/call')
        own.set(method, (request, context) =>
          around(request.params?.name ?? '', context, () => handle(request, context)),
        )
      else if (!own.has(method)) own.set(method, handle)
    }
    return server
  }

  return {
    handler: mcp.createMcpHandler(createServer, { maxRequestBodySize: limits.maxBodyBytes, onerror: limits.onError }),
    listTools: async () => await toolsOf(await createServer(), mcp),
  }
}

/** What a server consists of. The library keeps these members to itself; `wrapped.test.ts` holds that they are there. */
function partsOf(made: McpServer | Server) {
  const server = 'server' in made ? made.server : made
  const handlers = server['_requestHandlers'] as unknown
  if (!(handlers instanceof Map))
    throw new TypeError('this version of @modelcontextprotocol/server cannot be wrapped; version 2.4 can')
  return {
    info: server['_serverInfo'],
    capabilities: server['_capabilities'],
    instructions: server['_instructions'],
    handlers: handlers as Map<string, Handler>,
  }
}

/** The tools of a server, by asking it in memory. */
async function toolsOf(server: Server, { InMemoryTransport }: McpServerModule): Promise<readonly Mcp.Tool[]> {
  const { Client } = await importClientSdk()
  const [near, far] = InMemoryTransport.createLinkedPair()
  await server.connect(far)
  const client = new Client({ name: 'agent', version: '1' })
  await client.connect(near)
  try {
    return client.getServerCapabilities()?.tools ? (await client.listTools()).tools : []
  } finally {
    await client.close()
  }
}
