/**
 * Names a state of a registry: `epoch-revision.digest`. The epoch is one run of a daemon, the revision counts its changes, and the
 * digest is equal wherever the servers are: at another daemon, and after a restart. Opaque to clients.
 */
export type StateToken = { readonly epoch: string; readonly revision: number; readonly digest: string | undefined }

export function stateToken({ epoch, revision, digest }: StateToken): string {
  return digest === undefined ? `${epoch}-${revision}` : `${epoch}-${revision}.${digest}`
}

/** The parts of a token; undefined for any other text. */
export function parseStateToken(text: string): StateToken | undefined {
  const match = /^([A-Za-z0-9]{1,64})-(\d{1,15})(?:\.([0-9a-f]{32}))?$/.exec(text)
  return match ? { epoch: match[1] ?? '', revision: Number(match[2]), digest: match[3] } : undefined
}

/** The token of a state at this daemon only, for what shows times: another daemon reached an equal state at another time. */
export function localToken(token: string): string {
  return token.replace(/\.[0-9a-f]{32}/, '')
}
