/**
 * A plain Hono app of 150 routes that answers every request with the same headers and bytes, given as JSON in the file it is
 * called with. Of a POST it reads and parses the body first.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'

type Input = { path: string; status: number; headers: Record<string, string>; body: string }
const { path, status, headers, body } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Input
const bytes = Buffer.from(body)

const app = new Hono()
for (let at = 0; at < 50; at += 1) {
  for (const route of [`/other-${at}`, `/other-${at}/:name`, `/other-${at}/:namespace/:name`])
    app.get(route, (c) => c.text(route))
}
const listener = getRequestListener(app.fetch, { hostname: 'localhost' })
const answer = () => new Response(bytes, { status, headers })
app.get(path, answer)
app.post(path, async (c) => {
  await c.req.json()
  return answer()
})

const server = createServer({ optimizeEmptyRequests: true }, (request, response) => void listener(request, response))
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
)
process.on('SIGTERM', () => process.exit(0))
