import { redactServer } from '../../model/redaction/redact.ts'
import type { Server } from '../../model/server.ts'
import { rosterPathOf } from '../../model/via.ts'
import { templateInputs, template } from './inputs.ts'
import { type Package, packageOf } from './packages.ts'

/** A `server.json`, without `$schema`: clients turn away those that name another edition than their own. */
export type Card = {
  readonly name: string
  readonly description: string
  readonly version: string
  readonly title?: string
  readonly websiteUrl?: string
  readonly remotes?: readonly object[]
  readonly packages?: readonly Package[]
  readonly _meta?: Readonly<Record<string, unknown>>
}

const longestDescription = 100

/** What the official registry cannot take for a version: a range, a wildcard, its own word for the newest. */
const noVersion = /[\s<>=^~|*,/]|(^|\.)x(\.|$)|^latest$/i

/** A server whose version nobody told has this one: a version must be there. */
const unknownVersion = '0.0.0'

/** Where a card says which rosters it has come through, so that rosters that read each other do not go in circles. */
const viaMeta = 'io.mcp-roster/via'

/**
 * A server as a client can install it, published by this `instance`. Holds no secret: names of headers and variables,
 * never their values.
 */
export function cardOf(unredacted: Server, { name, instance }: { name: string; instance: string }): Card {
  const server = redactServer(unredacted)
  const found = packageOf(server)
  const remote = remoteOf(server)
  const website = server.metadata['website_url']
  return {
    name,
    description: descriptionOf(server),
    version: versionOf(server),
    ...(server.title !== undefined && { title: shortened(server.title) }),
    ...(typeof website === 'string' && /^https?:/i.test(website) && { websiteUrl: website }),
    ...(remote && { remotes: [remote] }),
    ...(found && { packages: [found] }),
    _meta: { [viaMeta]: [...rosterPathOf(server.metadata), instance] },
  }
}

export function versionOf({ version }: Pick<Server, 'version'>): string {
  return version === undefined || version === '' || noVersion.test(version) ? unknownVersion : version
}

/** A description must be there, and short. */
export function descriptionOf({ description, title, name }: Pick<Server, 'description' | 'title' | 'name'>): string {
  return shortened(description ?? '') || shortened(title ?? '') || shortened(`MCP server ${name}`)
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  if (line.length <= longestDescription) return line
  return `${line.slice(0, longestDescription - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

function remoteOf({ type, url, headers, command }: Server): object | undefined {
  if (command !== undefined || url === undefined || !/^https?:/i.test(url)) return undefined
  const inputs = templateInputs(headers)
  const { value, variables } = template(url, 'secret')
  return {
    type: type === 'sse' ? 'sse' : 'streamable-http',
    url: value,
    ...(variables && { variables }),
    ...(inputs.length > 0 && { headers: inputs }),
  }
}
