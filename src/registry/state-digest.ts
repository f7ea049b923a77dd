import { hash } from 'node:crypto'
import { redactServer } from '../model/redaction/redact-server.ts'
import type { Server } from '../model/server.ts'
import type { Candidate } from './candidate.ts'

/**
 * The key of digests. Registries of one key have equal digests in equal states; computing the digest of a state takes the key.
 * A public key is the same in all installations. No secret goes into a digest then, since it could be guessed.
 */
export type DigestKey = { readonly text: string; readonly isPublic: boolean }

/** The key of registries that share neither a store nor a configured key. */
export const publicDigestKey: DigestKey = { text: 'mcp-roster', isPublic: true }

/** A key derived from a secret: what is configured, or the identity of a store. */
export function digestKeyOf(secret: string): DigestKey {
  return { text: hash('sha256', `mcp-roster digest ${secret}`), isPublic: false }
}

/** What one server adds to the digest of the registry, and the parts of it that stay while only the status changes. */
export type ServerDigest = {
  readonly value: bigint
  readonly definition: string
  readonly introspected: string
}

/** The parts of a record that its digest is made of. */
type Digested = {
  readonly server: Server
  readonly candidate: Candidate
  /** The capabilities that a probe found. */
  readonly introspected: readonly unknown[] | undefined
}

/** What is kept of the record before, for its hashes: an equal object has an equal hash. */
type Before = {
  readonly candidate: Pick<Candidate, 'definition'>
  readonly digest: ServerDigest
  readonly probed?: { readonly capabilities?: readonly unknown[] | undefined } | undefined
}

const noHash = ''

/**
 * Hashes servers so that the sum over all of a registry names its state, at the cost of what changes.
 *
 * It covers what is shown of a server but the times and the version that this daemon gave it: registries that are in one state reached
 * it at different times. The key comes first in the hashed text, which is as good as an HMAC here: a hash is shown only in a sum.
 */
export function createServerDigest({ text: key, isPublic }: DigestKey) {
  function shownOf<T extends object>(part: T): T {
    return isPublic ? redactServer(part) : part
  }

  return ({ server, candidate, introspected }: Digested, before?: Before): ServerDigest => {
    const isDefinitionKnown = before?.candidate.definition === candidate.definition
    const definition = isDefinitionKnown ? before.digest.definition : hashOf(shownOf(candidate.definition))
    const isIntrospectedKnown = before?.probed?.capabilities === introspected
    const tools = introspected?.length
      ? isIntrospectedKnown && before
        ? before.digest.introspected
        : hashOf(introspected)
      : noHash
    const { id, enabled, version, status, health, source, discovery_method, stale } = server
    const { origin, shadows } = shownOf({ origin: server.origin, shadows: server.shadows })
    const { reason, protocol_version } = health
    const parts = [id, definition, tools, enabled, version, status, reason, protocol_version, source, origin]
    const more = [discovery_method, stale, shadows, candidate.stored?.resource_version]
    const sum = hash('sha256', `${key} ${JSON.stringify([...parts, ...more])}`)
    return { value: BigInt(`0x${sum.slice(0, digestDigits)}`), definition, introspected: tools }
  }
}
export type DigestServer = ReturnType<typeof createServerDigest>

/** Hexadecimal digits of a digest: 128 bits. */
const digestDigits = 32

function hashOf(part: object): string {
  return hash('sha256', JSON.stringify(part), 'base64url')
}

/** The digest of a registry: the sum of what its servers add, whatever the order in which they came. */
export function createStateDigest() {
  let sum = 0n
  return {
    replace(before: ServerDigest | undefined, now: ServerDigest | undefined): void {
      if (before?.value === now?.value) return
      sum = BigInt.asUintN(digestDigits * 4, sum - (before?.value ?? 0n) + (now?.value ?? 0n))
    },
    /** 32 hexadecimal digits. */
    text: () => sum.toString(16).padStart(digestDigits, '0'),
    clear: () => void (sum = 0n),
  }
}
