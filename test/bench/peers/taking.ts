/** A bare HTTP server that reads and parses every body and answers 201 with the number of bytes that the given file names. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const { bytes } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { bytes: number }
const answer = 'x'.repeat(bytes)

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString())
    response.writeHead(201, { 'content-type': 'application/json', 'content-length': bytes })
    response.end(answer)
  })
})
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
)
process.on('SIGTERM', () => process.exit(0))
