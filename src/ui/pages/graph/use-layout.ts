import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { LayoutAnswer, LayoutQuestion } from './layout-worker.ts'

/** Lays a graph out in a worker. `answer` is of the last graph that was laid out; it may be an earlier one for a moment. */
export function useLayout(question: LayoutQuestion): {
  readonly answer: { readonly question: LayoutQuestion; readonly layout: LayoutAnswer } | undefined
  readonly isFailed: boolean
} {
  const answer = useSignal<{ readonly question: LayoutQuestion; readonly layout: LayoutAnswer } | undefined>(undefined)
  const isFailed = useSignal(false)
  const worker = useRef<Worker>(undefined)
  /** Questions without an answer. Answers come in the order of the questions. */
  const waiting = useRef<LayoutQuestion[]>([])
  // Statuses change more often than who needs whom.
  const key = JSON.stringify(question)

  useEffect(() => {
    worker.current ??= openWorker()
    waiting.current.push(question)
    worker.current.postMessage(question)
  }, [key])
  useEffect(() => () => worker.current?.terminate(), [])

  function openWorker(): Worker {
    const opened = new Worker(new URL(LAYOUT_WORKER, import.meta.url), { type: 'module' })
    opened.addEventListener('message', ({ data }: MessageEvent<LayoutAnswer>) => {
      const asked = waiting.current.shift()
      if (asked && waiting.current.length === 0) answer.value = { question: asked, layout: data }
    })
    opened.addEventListener('error', () => (isFailed.value = true))
    return opened
  }

  return { answer: answer.value, isFailed: isFailed.value }
}
