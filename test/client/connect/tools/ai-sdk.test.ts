import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateText, isStepCount } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { toAiSdkTools } from '../../../../src/client/connect/tools/ai-sdk.ts'
import type { ToolResult } from '../../../../src/client/connect/tools/fleet-tool.ts'
import { failed, forecast, recordedCalls, sunny } from './sample-tools.ts'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** Lets the AI SDK run a model that calls the tool once and then answers; what the model was told. */
async function toldBy(result: ToolResult) {
  const { calls, call } = recordedCalls(result)
  const model = new MockLanguageModelV4({
    async doGenerate() {
      const isFirst = model.doGenerateCalls.length === 1
      return {
        warnings: [],
        usage,
        finishReason: isFirst ? { unified: 'tool-calls', raw: undefined } : { unified: 'stop', raw: undefined },
        content: isFirst
          ? [{ type: 'tool-call', toolCallId: '1', toolName: 'weather__forecast', input: '{"city":"Bern"}' }]
          : [{ type: 'text', text: 'done' }],
      }
    },
  })
  const abort = new AbortController()
  const { text } = await generateText({
    model,
    prompt: 'How is the weather?',
    tools: toAiSdkTools([forecast], call),
    stopWhen: isStepCount(3),
    abortSignal: abort.signal,
  })
  const [first, second] = model.doGenerateCalls
  return { calls, text, offered: first?.tools, answer: second?.prompt.at(-1)?.content }
}

describe('the tools of a fleet in the AI SDK', () => {
  it('a model is offered a tool, calls it, and reads its text and image', async () => {
    const { calls, text, offered, answer } = await toldBy(sunny)

    assert.deepEqual(offered, [
      {
        type: 'function',
        name: 'weather__forecast',
        description: 'Tells the weather.',
        inputSchema: forecast.tool.inputSchema,
      },
    ])
    assert.equal(calls[0]?.name, 'weather__forecast')
    assert.deepEqual(calls[0].args, { city: 'Bern' })
    assert.ok(calls[0].signal)
    const output = (answer as readonly { output: { value: readonly unknown[] } }[])[0]?.output.value
    assert.deepEqual(output?.[0], { type: 'text', text: 'sunny' })
    assert.match(JSON.stringify(output?.[1]), /"mediaType":"image\/png"/)
    assert.equal(text, 'done')
  })

  it('a model reads why a tool failed', async () => {
    const { answer } = await toldBy(failed)

    const output = (answer as readonly { output: unknown }[])[0]?.output
    assert.deepEqual(output, { type: 'error-text', value: 'no such city' })
  })
})
