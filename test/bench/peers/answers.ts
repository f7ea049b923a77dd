/** A bare HTTP server with fixed headers and bytes for each path. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Answer = { status: number; headers: Record<string, string>; body: string }
const given = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Record<string, Answer>
const answers = new Map(
  Object.entries(given).map(([path, answer]) => [path, { ...answer, bytes: Buffer.from(answer.body) }]),
)

const server = createServer(({ url = '' }, response) => {
  const answer = answers.get(url)
  response.writeHead(answer?.status ?? 404, answer?.headers)
  response.end(answer?.bytes)
})
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
)
process.on('SIGTERM', () => process.exit(0))
