import type { Reason } from '../model/health.ts'

/** A request that the outbound HTTP client refuses by policy, before or instead of connecting. */
export class BlockedError extends Error {
  override name = 'BlockedError'
  readonly code = 'BLOCKED'
}

const reasonByCode: Record<string, Reason> = {
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

/** The code of an error of Node or undici; of parallel connection attempts, the first one's. */
export function errorCode(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0])
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === undefined && error.cause !== undefined) return errorCode(error.cause)
  // Other texts may come from the remote host, and are not repeated.
  return code !== undefined && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined
}

/** Why an exchange failed, as a reason of health; `protocol` for unknown codes. */
export function failureReason(error: unknown): Reason {
  const code = errorCode(error) ?? ''
  const reason = reasonByCode[code]
  if (reason) return reason
  return /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|CRL_|INVALID_CA)/.test(code) ? 'tls' : 'protocol'
}
