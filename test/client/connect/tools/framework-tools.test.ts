import assert from 'node:assert/strict'
import { it } from 'node:test'
import { generateText, isStepCount } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { connectServers } from '../../../../src/client/connect/index.ts'
import { until } from '../../../e2e/daemon-process.ts'
import { startMcp } from '../mcp-servers.ts'
import { createServerFile } from '../server-file.ts'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

it('a framework calls the tools of a fleet, and reads why once their server is gone', async () => {
  await using weather = await startMcp({ name: 'weather' })
  await using place = await createServerFile({ weather: { url: weather.url } })
  await using fleet = await connectServers({ roster: place.daemon.url, connectTimeoutMs: 5000 })
  const tools = fleet.tools('ai-sdk')
  const [langchain] = fleet.tools('langchain')
  const model = new MockLanguageModelV4({
    doGenerate: async () => ({
      warnings: [],
      usage,
      finishReason: { unified: 'tool-calls', raw: undefined },
      content: [{ type: 'tool-call', toolCallId: '1', toolName: 'weather__forecast', input: '{}' }],
    }),
  })
  const answer = async () => {
    const { toolResults } = await generateText({ model, prompt: 'How is it?', tools, stopWhen: isStepCount(1) })
    return JSON.stringify(toolResults[0]?.output)
  }

  assert.match(await answer(), /sunny/)
  assert.equal((await langchain?.func({}))?.[0], 'sunny')
  assert.deepEqual(
    fleet.tools('openai').map(({ name }) => name),
    ['weather__forecast'],
  )

  place.write({})
  await until(() => fleet.connections.size === 0)
  assert.match(await answer(), /"isError":true/)
  await assert.rejects(async () => langchain?.func({}), /forecast/)
})
