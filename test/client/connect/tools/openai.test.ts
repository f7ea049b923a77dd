import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import OpenAI from 'openai'
import { toOpenAiChatTools, toOpenAiTools } from '../../../../src/client/connect/tools/openai.ts'
import { failed, forecast, recordedCalls, sunny } from './sample-tools.ts'

type Request = { readonly tools: readonly unknown[]; readonly messages: readonly { content: unknown }[] }

/** The API of OpenAI on loopback: gives its answers one after the other, and keeps the requests. */
async function openApi(...answers: readonly object[]) {
  const requests: Request[] = []
  const server = createServer((request: IncomingMessage, response) => {
    void json(request).then((body) => {
      requests.push(body as Request)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answers[requests.length - 1]))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    requests,
    client: new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const completion = (message: object) => ({ id: '1', object: 'chat.completion', choices: [{ index: 0, message }] })
const callOf = (args: string) =>
  completion({
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather__forecast', arguments: args } }],
  })
const done = completion({ role: 'assistant', content: 'done' })

describe('the tools of a fleet in the client of OpenAI', () => {
  it('runTools offers a tool, calls it and sends its answer to the model', async () => {
    await using api = await openApi(callOf('{"city":"Bern"}'), done)
    const { calls, call } = recordedCalls(sunny)

    const runner = api.client.chat.completions.runTools({
      model: 'any',
      messages: [{ role: 'user', content: 'How is the weather?' }],
      tools: toOpenAiChatTools([forecast], call),
    })

    assert.equal(await runner.finalContent(), 'done')
    assert.deepEqual(api.requests[0]?.tools, [
      {
        type: 'function',
        function: {
          name: 'weather__forecast',
          description: 'Tells the weather.',
          parameters: forecast.tool.inputSchema,
        },
      },
    ])
    assert.deepEqual(calls[0]?.args, { city: 'Bern' })
    assert.match(String(api.requests[1]?.messages.at(-1)?.content), /^sunny/)
  })

  it('the Responses API is sent the definition of a tool and nothing of our own', async () => {
    await using api = await openApi({ id: 'r1', object: 'response', output: [], status: 'completed' })

    await api.client.responses.create({
      model: 'any',
      input: 'How is the weather?',
      tools: toOpenAiTools([forecast], recordedCalls(sunny).call),
    })

    assert.deepEqual(api.requests[0]?.tools, [
      {
        type: 'function',
        name: 'weather__forecast',
        description: 'Tells the weather.',
        parameters: forecast.tool.inputSchema,
        strict: false,
      },
    ])
  })

  it('an agent invokes a tool with its arguments as JSON and its signal', async () => {
    const { calls, call } = recordedCalls(failed)
    const [tool] = toOpenAiTools([forecast], call)
    const { signal } = new AbortController()

    assert.equal(await tool?.invoke({}, '{"city":"Nowhere"}', { signal }), 'no such city')
    assert.equal(calls[0]?.signal, signal)
  })

  it('arguments that are no JSON object never reach the server; the model is told', async () => {
    const { calls, call } = recordedCalls(sunny)
    const [tool] = toOpenAiTools([forecast], call)

    for (const args of ['{"city":', '[1]', '3']) assert.match((await tool?.invoke({}, args)) ?? '', /not a JSON object/)
    assert.deepEqual(calls, [])
  })
})
