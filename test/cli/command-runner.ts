import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import type { Invocation, RunningDaemon } from '../../src/cli/command.ts'
import { run } from '../../src/cli/run.ts'

type Surroundings = Partial<Omit<Invocation, 'values' | 'positionals' | 'terminal'>> & {
  readonly onOut?: (text: string) => void
  readonly drained?: () => Promise<void>
  readonly tty?: boolean
  readonly colour?: boolean
  readonly columns?: number
  readonly ask?: (question: string) => Promise<boolean>
}

/** Runs a command line as `main.ts` does, and returns its output and its exit code. */
export async function running(argv: readonly string[], surroundings: Surroundings = {}) {
  const {
    onOut,
    drained = () => Promise.resolve(),
    tty = false,
    colour = false,
    columns = tty ? 80 : Infinity,
    ask,
    ...others
  } = surroundings
  let out = ''
  let err = ''
  const terminal = {
    out: (text: string) => {
      out += text
      onOut?.(text)
    },
    err: (text: string) => void (err += text),
    drained,
    tty,
    colour,
    columns,
    ask,
  }
  const code = await run(argv, {
    env: {},
    input: () => Readable.from([]),
    output: () => new PassThrough(),
    signal: new AbortController().signal,
    onHangup: () => undefined,
    takeSignals: () => undefined,
    startDaemon: () => Promise.reject<RunningDaemon>(new Error('no daemon was expected')),
    ...others,
    terminal,
  })
  return { code, out, err }
}

/** A daemon that answers with `answer`; `requests` holds the requests it received. */
export async function answering(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: { url: string; authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', authorization: request.headers.authorization })
    answer(request, response)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}

/** Answers everything with `body`. */
export function json(body: unknown, status = 200) {
  return (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}
