/** A bare HTTP server that answers every request with the headers and bytes of the given JSON file. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Input = { status: number; headers: Record<string, string>; body: string } | null
const input = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Input
const { status, headers, body } = input ?? { status: 200, headers: {}, body: 'ok' }
const bytes = Buffer.from(body)

const server = createServer((_, response) => {
  response.writeHead(status, headers)
  response.end(bytes)
})
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
)
process.on('SIGTERM', () => process.exit(0))
