import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { freePort } from '../programs.ts'

export type PublishedAgent = Awaited<ReturnType<typeof startAgent>>

/** Starts an agent of `agents/` on a runtime that people run, on a free loopback port; `.py` unless the script says otherwise. */
export async function startAgent(
  runtime: string,
  script: string,
  { name, registry, args = [] }: { name: string; registry: string; args?: readonly string[] },
) {
  const port = await freePort()
  const file = join(import.meta.dirname, 'agents', script.includes('.') ? script : `${script}.py`)
  const child = spawn(
    runtime,
    [file, '--name', name, '--port', String(port), '--registry', registry, ...args],
    // Nothing of this machine, above all no settings of another mesh.
    { env: { PATH: process.env['PATH'] ?? '', PYTHONUNBUFFERED: '1' }, stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let printed = ''
  const note = (chunk: Buffer) => void (printed += chunk.toString())
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>

  return {
    name,
    endpoint: `http://127.0.0.1:${port}`,
    printed: () => printed,
    /** Lets an agent that was started with `--wait` register. */
    release: () => void child.stdin.end('\n'),
    /** Ends it with a signal; its exit code. */
    async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
      child.kill(signal)
      const [code] = await exited
      return code
    },
    /** Calls a tool of it as MCP clients do; its text. Undefined while the agent does not answer. */
    async call(tool: string, argumentsIn: Record<string, string>): Promise<string | undefined> {
      if (hasEnded(child)) assert.fail(`${name} ended with ${child.exitCode ?? child.signalCode}:\n${printed}`)
      const params = { name: tool, arguments: argumentsIn }
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/mcp`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
          signal: AbortSignal.timeout(10_000),
        })
        return answer.ok ? textOf(await answer.text()) : undefined
      } catch {
        return undefined // it does not listen yet, or its one thread is busy
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (hasEnded(child)) return
      child.kill('SIGKILL')
      await exited
    },
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** The text of the result of a call, from JSON or from the one event of a stream. */
function textOf(body: string): string {
  const { result } = JSON.parse(body.slice(body.indexOf('{'))) as { result?: { content: { text: string }[] } }
  return result?.content[0]?.text ?? body
}
