/** The MCP SDK, which the libraries load when they need it: what only imports them needs no peer. */
export const importClientSdk = () =>
  import('@modelcontextprotocol/client').catch((error: unknown) => reject('@modelcontextprotocol/client', error))
export const importServerSdk = () =>
  import('@modelcontextprotocol/server').catch((error: unknown) => reject('@modelcontextprotocol/server', error))

/** Throws the error; where the package is missing, one that says what to do. */
function reject(name: string, error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw error
  throw new Error(`the package ${name} is not installed: npm install ${name}`, { cause: error })
}
