import type { ServerId } from '../../../model/names.ts'
import { Problem } from '../../http/problem.ts'

/** The write was not stored, and may be repeated. */
export function storeUnavailable(error: { readonly retry_after: number }): Problem {
  const headers = { 'retry-after': String(Math.max(1, Math.ceil(error.retry_after))) }
  return new Problem('store_unavailable', 'Store unavailable; nothing changed.', {
    headers,
    cause: error,
  })
}

/** Another write removed the server meanwhile. */
export function serverRemoved(id: ServerId): Problem {
  return new Problem('resource_version_stale', `The server "${id}" was removed concurrently.`)
}

/** The write is stored, and not to be repeated. */
export function serverPending(id: ServerId): Problem {
  return new Problem('server_pending', `The server "${id}" is stored, but its source does not show it yet.`, {
    headers: { 'retry-after': '1' },
  })
}

export function unsupportedPatch(): Problem {
  const headers = { 'accept-patch': 'application/merge-patch+json' }
  return new Problem('unsupported_media_type', 'Unsupported patch format; send a JSON merge patch (RFC 7396).', {
    headers,
  })
}
