import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { RosterError } from '../roster/error.ts'
import type { AgentEvent } from './heartbeat-loop.ts'
import {
  any,
  anyText,
  boolean,
  checkOptions,
  functionValue,
  invalidOption,
  isRecord,
  type OptionCheck,
  shown,
  signalValue,
  text,
  textList,
  textRecord,
} from './option-checks.ts'

export type AgentOptions = {
  /** Unique in the mesh, and the same after a restart. */
  readonly id: string
  /** A name for people; default: the id. */
  readonly name?: string
  readonly description?: string
  /** Version of the agent itself; default 1.0.0. */
  readonly version?: string
  /** Default: `MCP_MESH_NAMESPACE`, else `default`. */
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
  /** Default `mcp_agent`. */
  readonly agent_type?: string
  /** Seconds between two heartbeats; default: `MCP_MESH_HEALTH_INTERVAL`, else 5. */
  readonly health_interval?: number
  /** Seconds of silence until the roster holds the agent for unhealthy; default 20, at least four intervals. */
  readonly timeout_threshold?: number
  /** Seconds of silence until the roster holds the agent for gone; default 60. */
  readonly eviction_threshold?: number
  /** URL of the roster; default: `MCP_ROSTER_URL`, `MCP_MESH_REGISTRY_URL`, else `http://localhost:8000`. */
  readonly roster?: string | URL
  /** Bearer token, or a function that returns one for each request; default: `MCP_ROSTER_TOKEN`. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>)
  /** Default: `MCP_MESH_HTTP_PORT`, else 0, which takes one that is free. */
  readonly port?: number
  /** The address to listen on; default: loopback where the roster is on loopback, else all addresses. */
  readonly host?: string
  /**
   * The URL that others reach the agent by, where it is not `http://{host}:{port}`: behind a proxy, a NAT or a Service. They call
   * `/mcp` below it. `MCP_MESH_HTTP_HOST` names only the host.
   */
  readonly endpoint?: string | URL
  /** Further host names that others reach the agent by; requests for other names are refused. */
  readonly hosts?: readonly string[]
  /** Host names of web pages that may call the agent; default: none. */
  readonly origins?: readonly string[]
  /** Maximum size of a request, in bytes; default 4 MiB. */
  readonly max_request_bytes?: number
  /** Whether the agent is well. While it answers false, throws or does not answer, the agent sends no heartbeats. */
  readonly check?: (signal: AbortSignal) => boolean | Promise<boolean>
  /** Maximum duration of the check, in seconds; default 5. */
  readonly check_timeout?: number
  /** Told what happens between the agent and its roster; default: warnings of the process where it cannot register. */
  readonly onEvent?: (event: AgentEvent) => void
  /** Closes the agent when it aborts. */
  readonly signal?: AbortSignal
  /** Whether SIGTERM and SIGINT close the agent and end the process; default true. */
  readonly signals?: boolean
  /** Maximum duration of `close`, in seconds; default 5. */
  readonly close_timeout?: number
}

export type AgentSettings = ReturnType<typeof settingsOf>

const checks = {
  id: any,
  name: text,
  description: anyText,
  version: text,
  namespace: text,
  labels: textRecord,
  annotations: textRecord,
  tags: textList,
  agent_type: text,
  health_interval: any,
  timeout_threshold: any,
  eviction_threshold: any,
  roster: any,
  token: any,
  port: any,
  host: text,
  endpoint: any,
  hosts: textList,
  origins: textList,
  max_request_bytes: any,
  check: functionValue,
  check_timeout: any,
  onEvent: functionValue,
  signal: signalValue,
  signals: boolean,
  close_timeout: any,
} satisfies Record<keyof AgentOptions, OptionCheck>

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|::1)$/i

/** Checks the options and adds what the environment says. */
export function settingsOf(options: AgentOptions, env: Readonly<Record<string, string | undefined>> = process.env) {
  if (!isRecord(options)) throw invalidOption(`createAgent needs options, at least { id }, not ${shown(options)}`)
  checkOptions('', options, checks)
  if (typeof options.id !== 'string' || options.id === '')
    throw invalidOption('"id" is needed: a name that is unique in the mesh, and the same after a restart')
  const roster = urlOf(
    'roster',
    options.roster ?? (env['MCP_ROSTER_URL'] || env['MCP_MESH_REGISTRY_URL'] || 'http://localhost:8000'),
  )
  const host = options.host ?? (loopback.test(roster.hostname) ? '127.0.0.1' : undefined)
  return {
    ...options,
    roster,
    token: tokenOf(options.token ?? (env['MCP_ROSTER_TOKEN'] || undefined)),
    namespace: options.namespace ?? (env['MCP_MESH_NAMESPACE'] || undefined),
    version: options.version ?? '1.0.0',
    health_interval: numberOf(
      'health_interval',
      options.health_interval,
      env['MCP_MESH_HEALTH_INTERVAL'],
      5,
      [0.05, 86_400],
    ),
    timeout_threshold: optionalNumberOf('timeout_threshold', options.timeout_threshold, [1, 86_400]),
    eviction_threshold: optionalNumberOf('eviction_threshold', options.eviction_threshold, [1, 7 * 86_400]),
    port: numberOf('port', options.port, env['MCP_MESH_HTTP_PORT'], 0, [0, 65_535]),
    host,
    advertisedHost: env['MCP_MESH_HTTP_HOST'] || undefined,
    endpoint: options.endpoint === undefined ? undefined : baseOf(urlOf('endpoint', options.endpoint)),
    maxBodyBytes: numberOf('max_request_bytes', options.max_request_bytes, undefined, 4 * 1024 * 1024, [1, 2 ** 31]),
    checkMs: numberOf('check_timeout', options.check_timeout, undefined, 5, [0.001, 3600]) * 1000,
    closeMs: numberOf('close_timeout', options.close_timeout, undefined, 5, [0, 3600]) * 1000,
  }
}

/**
 * The address that others reach the agent by; where it listens on all addresses, the one that leads to the roster now.
 *
 * @throws {RosterError} The name of the roster cannot be looked up, or no network leads to it.
 */
export async function reachableAddress(
  { endpoint, advertisedHost, host, roster }: AgentSettings,
  port: number,
): Promise<{ endpoint: string } | { http_host: string; http_port: number }> {
  if (endpoint !== undefined) return { endpoint }
  const reachable = advertisedHost ?? (isAnyAddress(host) ? await localAddressTo(roster) : host)
  return { http_host: reachable, http_port: port }
}

/** Whether a host to listen on means all addresses; an undefined one does, also where the machine has no IPv6. */
export function isAnyAddress(host: string | undefined): host is '::' | '0.0.0.0' | undefined {
  return host === undefined || host === '::' || host === '0.0.0.0'
}

/** The local address of the route to a host. Nothing is sent. */
async function localAddressTo({ hostname, port, protocol }: URL): Promise<string> {
  const target = hostname.replace(/^\[|\]$/g, '')
  try {
    const { address, family } = await lookup(target)
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    try {
      socket.connect(Number(port) || (protocol === 'https:' ? 443 : 80), address)
      await once(socket, 'connect')
      return socket.address().address
    } finally {
      socket.close()
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const message = `the agent does not know the address that others reach it by: ${target} cannot be looked up or reached (${code}); give it "endpoint" otherwise`
    throw new RosterError(message, { cause: error })
  }
}

function urlOf(option: string, value: string | URL): URL {
  const url = URL.canParse(String(value)) ? new URL(value) : undefined
  if (url && /^https?:$/.test(url.protocol)) return url
  throw invalidOption(`"${option}" must be a URL such as http://localhost:8000, not ${shown(value)}`)
}

/** Checks a token; its value stays out of the message. */
function tokenOf(token: AgentOptions['token']): AgentOptions['token'] {
  const isText = typeof token === 'string' && /^[\x21-\x7e\x80-\xff]+$/.test(token.trim())
  if (token === undefined || typeof token === 'function' || isText) return token
  throw invalidOption(
    '"token" must be text of one line, in the characters of HTTP headers, or a function that returns it',
  )
}

/** Agents append `/mcp` to the endpoint of another one. */
function baseOf(url: URL): string {
  return url.href.replace(/\/(?:mcp\/?)?$/, '')
}

function optionalNumberOf(
  option: string,
  value: number | undefined,
  range: readonly [number, number],
): number | undefined {
  return value === undefined ? undefined : numberOf(option, value, undefined, value, range)
}

function numberOf(
  option: string,
  value: number | undefined,
  variable: string | undefined,
  fallback: number,
  [min, max]: readonly [number, number],
): number {
  const number = value ?? (variable ? Number(variable) : fallback)
  if (typeof number === 'number' && number >= min && number <= max) return number
  throw invalidOption(`"${option}" must be a number from ${min} to ${max}, not ${shown(value ?? variable)}`)
}
