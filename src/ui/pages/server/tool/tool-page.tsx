import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ApiError } from '../../../data/api.ts'
import { clockOffset } from '../../../data/daemon-clock.ts'
import { callRefusal } from '../../../data/rights.ts'
import { milliseconds } from '../../../parts/figures.ts'
import { ProblemLine } from '../../../parts/problem-line.tsx'
import { Ago } from '../../../parts/time.tsx'
import { linkTo } from '../../../router.ts'
import { serverTexts } from '../../../texts/server/server.ts'
import { toolTexts as texts } from '../../../texts/server/tool.ts'
import { isOpenSchema, isSchema, propertiesOf } from '../schema.ts'
import type { ServerAnswer } from '../server-answer.ts'
import { ArgumentFields } from './argument-fields.tsx'
import { collectArguments, type FieldTexts, textsOf } from './form-values.ts'
import { AnswerView } from './tool-answer.tsx'
import { callTool, forgetCalls, type PastCall, pastCalls, rememberCall, type ToolCallAnswer } from './tool-call.ts'

type Outcome = { readonly durationMs: number; readonly answer?: ToolCallAnswer; readonly error?: ApiError }

/** Tries one tool: a form of its schema, the call, its answer, and the calls of this tab. */
export function ToolPage({ server, tool }: { readonly server: ServerAnswer; readonly tool: string }) {
  const known = server.capabilities.find((one) => (one.function_name ?? one.name) === tool)
  const schema = isSchema(known?.input_schema) ? known.input_schema : undefined
  const hasFields = Object.keys(propertiesOf(schema)).length > 0
  const fields = useSignal<FieldTexts>(textsOf(schema, undefined))
  const isOpen = schema !== undefined && !hasFields && isOpenSchema(schema)
  const json = useSignal(schema && !hasFields ? '{}' : '')
  const isJson = useSignal(!schema || isOpen)
  const isChecked = useSignal(false)
  const outcome = useSignal<Outcome | undefined>(undefined)
  const running = useSignal<AbortController | undefined>(undefined)
  const result = useRef<HTMLHeadingElement>(null)
  useEffect(() => () => running.peek()?.abort(), [])

  const collected = isJson.value ? parseJson(json.value) : collectArguments(schema, fields.value)
  const isWrong = Object.keys(collected.errors).length > 0

  function take(values: Readonly<Record<string, unknown>>): void {
    fields.value = textsOf(schema, values)
    json.value = JSON.stringify(values, null, 2)
  }

  function switchMode(): void {
    if (isJson.peek()) {
      if (!isWrong) fields.value = textsOf(schema, collected.value)
    } else json.value = JSON.stringify(collected.value, null, 2)
    isJson.value = !isJson.peek()
  }

  async function call(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    isChecked.value = true
    if (isWrong || running.peek() || callRefusal(server.namespace) !== undefined) return
    const stopping = new AbortController()
    running.value = stopping
    outcome.value = undefined
    const startedAt = performance.now()
    const { namespace, name } = server
    let got: { readonly answer: ToolCallAnswer } | { readonly error: ApiError }
    try {
      got = { answer: await callTool({ namespace, name, tool }, collected.value, stopping.signal) }
    } catch (failure) {
      got = { error: errorOf(failure, stopping.signal) }
    }
    running.value = undefined
    const durationMs = performance.now() - startedAt
    outcome.value = { durationMs, ...got }
    const past = { at: Date.now() + clockOffset.peek(), id: server.id, tool, values: collected.value, durationMs }
    if ('error' in got) rememberCall({ ...past, outcome: got.error.code, message: got.error.message })
    else rememberCall({ ...past, outcome: got.answer.isError ? 'error' : 'ok', answer: got.answer })
    result.current?.focus()
  }

  return (
    <section class="server">
      <p class="soft crumbs">
        <a href={linkTo(['servers'])}>{serverTexts.servers}</a> / {server.namespace} /{' '}
        <a href={linkTo(['servers', server.namespace, server.name])}>
          <bdi>{server.name}</bdi>
        </a>
      </p>
      <h1>
        <code>
          <bdi>{tool}</bdi>
        </code>
      </h1>
      {known?.description !== undefined && (
        <p class="about">
          <bdi>{known.description}</bdi>
        </p>
      )}
      <form class="arguments" noValidate onSubmit={(event) => void call(event)}>
        <div class="head">
          <h2>{texts.arguments}</h2>
          {hasFields && (
            <button type="button" onClick={switchMode}>
              {isJson.value ? texts.asForm : texts.asJson}
            </button>
          )}
        </div>
        {!schema && <p class="soft">{texts.unknown}</p>}
        {schema && !hasFields && <p class="soft">{isOpen ? texts.openInput : texts.noInput}</p>}
        {isJson.value ? (
          <label class="block">
            <span class="hidden">{texts.arguments}</span>
            <textarea
              class="code"
              rows={8}
              spellcheck={false}
              placeholder="{}"
              value={json.value}
              onInput={(event) => (json.value = event.currentTarget.value)}
            />
          </label>
        ) : (
          <ArgumentFields
            schema={schema}
            texts={fields.value}
            errors={isChecked.value ? collected.errors : {}}
            write={(path, text) => (fields.value = { ...fields.peek(), [path]: text })}
          />
        )}
        {isChecked.value && isWrong && (
          <p class="problem" role="alert">
            {isJson.value ? Object.values(collected.errors)[0] : texts.correct}
          </p>
        )}
        <p class="row">
          <button
            type="submit"
            class="primary"
            aria-disabled={callRefusal(server.namespace) !== undefined || running.value !== undefined}
            title={callRefusal(server.namespace)}
          >
            {texts.call}
          </button>
          {running.value && (
            <button type="button" onClick={() => running.peek()?.abort()}>
              {texts.stop}
            </button>
          )}
        </p>
      </form>
      <h2 ref={result} tabIndex={-1}>
        {texts.result}
      </h2>
      <div role="status">
        {!outcome.value && <p class="soft">{running.value ? texts.running : texts.notCalled}</p>}
        {outcome.value && <OutcomeView outcome={outcome.value} />}
      </div>
      <PastCalls
        id={server.id}
        tool={tool}
        take={(past) => {
          take(past.values)
          if (past.answer) outcome.value = { durationMs: past.durationMs, answer: past.answer }
        }}
      />
    </section>
  )
}

function errorOf(failure: unknown, { aborted }: AbortSignal): ApiError {
  if (aborted) return new ApiError(texts.stopped, { code: 'stopped', status: 0 })
  return failure instanceof ApiError ? failure : new ApiError(String(failure), { code: 'unknown', status: 0 })
}

function parseJson(text: string): ReturnType<typeof collectArguments> {
  try {
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text)
    return isSchema(value) ? { value, errors: {} } : { value: {}, errors: { '': texts.noObject } }
  } catch (error) {
    return { value: {}, errors: { '': `${texts.arguments}: ${texts.noJson((error as Error).message)}` } }
  }
}

function OutcomeView({ outcome: { answer, error, durationMs } }: { readonly outcome: Outcome }) {
  const duration = milliseconds(durationMs)
  if (!error)
    return (
      <>
        <p class="soft">{texts.took(duration)}</p>
        {answer && <AnswerView answer={answer} />}
      </>
    )
  return (
    <>
      <p class="soft">{texts.failedAfter(duration)}</p>
      <ProblemLine error={error} />
      {error.code === 'calls_disabled' && (
        <p>
          {texts.disabled} {texts.disabledHelp}
        </p>
      )}
      {error.code === 'route_not_found' && <p>{texts.missingRoute}</p>}
    </>
  )
}

type PastProps = { readonly id: string; readonly tool: string; readonly take: (call: PastCall) => void }

function PastCalls({ id, tool, take }: PastProps) {
  const calls = pastCalls.value.filter((call) => call.id === id && call.tool === tool)
  if (calls.length === 0) return null
  return (
    <>
      <div class="head">
        <h2>{texts.history}</h2>
        <button type="button" onClick={forgetCalls}>
          {texts.forget}
        </button>
      </div>
      <p class="soft">{texts.historyWhy}</p>
      <ul class="calls">
        {calls.map((call) => (
          <li key={call.at}>
            <Ago at={call.at} />{' '}
            {call.outcome === 'ok' || call.outcome === 'error' ? (
              texts.outcomes[call.outcome]
            ) : (
              <code title={call.message}>{call.outcome}</code>
            )}{' '}
            <span class="soft">{milliseconds(call.durationMs)}</span>{' '}
            <code class="values">
              <bdi>{JSON.stringify(call.values)}</bdi>
            </code>{' '}
            <button type="button" class="quiet" onClick={() => take(call)}>
              {texts.again}
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}
