import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createToolRunner, ToolError } from '../../src/mcp/tool-result.ts'
import { StoreUnavailable } from '../../src/stores/store.ts'

/** Runs a tool that throws; the text of its result, and the errors logged. */
async function runFailing(error: Error) {
  const logged: unknown[] = []
  const log = { error: (details: unknown) => void logged.push(details) }
  const { content, isError } = await createToolRunner(log as Parameters<typeof createToolRunner>[0]).read(() => {
    throw error
  })
  assert.equal(isError, true)
  return { text: content[0]?.type === 'text' ? content[0].text : '', logged }
}

describe('result of an MCP tool', () => {
  it('has the same content as text and as structured content', async () => {
    const result = await createToolRunner({ error: () => {} }).read(() => ({ count: 1 }))
    assert.deepEqual(result, { content: [{ type: 'text', text: '{"count":1}' }], structuredContent: { count: 1 } })
  })

  it('is the message of an error that the client may see', async () => {
    const { text, logged } = await runFailing(new ToolError('Server "x" not found.'))
    assert.equal(text, 'Server "x" not found.')
    assert.deepEqual(logged, [])
  })

  it('names the retry time of an unavailable store', async () => {
    const { text } = await runFailing(new StoreUnavailable('down', { retry_after: 2.5 }))
    assert.equal(text, 'Store unavailable; nothing changed. Retry after 3 s.')
  })

  it('omits the message of an unexpected error, and logs it', async () => {
    const error = new Error('secret')
    const { text, logged } = await runFailing(error)
    assert.equal(text, 'Internal error; see the log of the daemon.')
    assert.deepEqual(logged, [{ err: error }])
  })

  it('is not larger than a request may have, but comes for every change', async () => {
    const { read, write } = createToolRunner({ error: () => {} })
    const megabyte = { text: 'x'.repeat(500_000) }
    let runs = 0
    const large = () => ((runs += 1), megabyte)

    const reads = await Promise.all([read(large), read(large), read(large), read(large)])
    const written = await write(large)

    assert.deepEqual(
      [...reads, written].map(({ isError = false }) => isError),
      [false, false, true, true, false],
    )
    assert.equal(runs, 4, 'a read after the limit ran')
  })
})
