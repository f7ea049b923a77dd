import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DynamicStructuredTool } from '@langchain/core/tools'
import { toLangChainTools } from '../../../../src/client/connect/tools/langchain.ts'
import { failed, forecast, recordedCalls, sunny } from './sample-tools.ts'

const request = { type: 'tool_call', id: '1', name: 'weather__forecast', args: { city: 'Bern' } } as const

describe('the tools of a fleet in LangChain', () => {
  it('a tool is called with its arguments; its text is the content and its whole answer the artifact', async () => {
    const { calls, call } = recordedCalls(sunny)
    const [tool] = toLangChainTools([forecast], call).map((fields) => new DynamicStructuredTool(fields))

    const message = (await tool?.invoke(request)) as { content: string; artifact: unknown }

    assert.deepEqual(calls[0]?.args, { city: 'Bern' })
    assert.match(message.content, /^sunny\n\{"type":"image","mimeType":"image\/png"\}$/)
    assert.deepEqual(message.artifact, sunny)
    assert.deepEqual(tool?.metadata, { server: 'default/weather', tool: 'forecast' })
  })

  it('arguments that do not fit the schema never reach the server', async () => {
    const { calls, call } = recordedCalls(sunny)
    const [tool] = toLangChainTools([forecast], call).map((fields) => new DynamicStructuredTool(fields))

    await assert.rejects(async () => tool?.invoke({ ...request, args: {} }), /did not match expected schema/)
    assert.deepEqual(calls, [])
  })

  it('a tool that failed throws its text', async () => {
    const { call } = recordedCalls(failed)
    const [tool] = toLangChainTools([forecast], call).map((fields) => new DynamicStructuredTool(fields))

    await assert.rejects(async () => tool?.invoke(request), /no such city/)
  })
})
