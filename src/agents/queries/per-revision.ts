/** Remembers a value until the token changes. */
export function createPerRevisionValue<T>(token: () => string, make: () => T): () => T {
  let newest: { readonly token: string; readonly value: T } | undefined
  return () => {
    const current = token()
    if (newest?.token !== current) newest = { token: current, value: make() }
    return newest.value
  }
}
