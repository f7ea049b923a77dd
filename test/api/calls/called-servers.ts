import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'

/** An admin, a caller of one namespace, and a reader. */
export const auth = `auth: { anonymous: reader, tokens: [
  { name: admin, token: admin-0123456789abcdef, role: admin },
  { name: caller, token: caller-0123456789abcdef, role: reader, call: true, namespaces: [default] },
  { name: reader, token: reader-0123456789abcdef, role: reader } ] }\n`
export const as = (name: string) => ({ authorization: `Bearer ${name}-0123456789abcdef` })

export type Outcome = {
  readonly code?: string
  readonly detail?: string
  readonly duration_ms: number
  readonly result: { readonly content: readonly { readonly text: string }[]; readonly isError?: boolean }
}

/** A daemon on loopback that knows these servers. */
export async function startWith(servers: Readonly<Record<string, object>>, more = '') {
  const daemon = await startHere(`${auth}${more}`)
  const file = daemon.folder.at('servers.json')
  writeFileSync(file, JSON.stringify({ servers }))
  await daemon.reload(
    `${auth}${more}sources: [{ type: file, paths: [${JSON.stringify(file)}] }]\nhealth: { enabled: false }\n`,
  )
  await until(async () => (await daemon.ask('GET', '/servers')).body['syncing'] === undefined)
  const call = (name: string, tool: string, args: object = {}, headers: Record<string, string> = as('admin')) =>
    daemon.ask<Outcome>('POST', `/servers/${name}/tools/${tool}`, { arguments: args }, headers)
  return { ...daemon, call }
}

/** An HTTP server that answers everything by `answer`. */
export async function startHttp(t: TestContext, answer: Parameters<typeof createServer>[1]) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}
