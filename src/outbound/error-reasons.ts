import type { Reason } from '../model/health.ts'

/** What the door itself refuses, told from what the other side did. */
export class Blocked extends Error {
  override name = 'Blocked'
  readonly code = 'BLOCKED'
}

const byCode: Record<string, Reason> = {
  BLOCKED: 'blocked',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ENODATA: 'dns',
  ESERVFAIL: 'dns',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  ECONNABORTED: 'refused',
  EHOSTUNREACH: 'refused',
  EHOSTDOWN: 'refused',
  ENETUNREACH: 'refused',
  EADDRNOTAVAIL: 'refused',
  EPIPE: 'refused',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  EPROTO: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  HOSTNAME_MISMATCH: 'tls',
}

/** The code an error of Node or undici carries; of several attempts at once, the first one's. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === undefined && error.cause !== undefined) return codeOf(error.cause)
  // A code is a word of the library's own; anything else might come from outside.
  return code !== undefined && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined
}

/** Why an exchange failed, in the words of health. What no table knows broke the protocol. */
export function reasonOf(error: unknown): Reason {
  const code = codeOf(error) ?? ''
  const known = byCode[code]
  if (known) return known
  return /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|CRL_|INVALID_CA)/.test(code) ? 'tls' : 'protocol'
}
