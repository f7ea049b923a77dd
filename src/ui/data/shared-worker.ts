/**
 * One connection to the daemon for all tabs: a browser opens six to a host, and each tab would hold one for itself.
 */
import { createLiveList, type LiveList } from './live-list.ts'
import type { ToWorker } from './protocol.ts'

const lists = new Map<string, LiveList>()
/** Time for which a list without tabs is kept, in ms: a page that is loaded again finds it. */
const keepMs = 10_000

function serve(port: MessagePort): void {
  let key = ''
  let list: LiveList | undefined
  const listener = (message: unknown) => port.postMessage(message)

  function leave(): void {
    const left = list
    const leftKey = key
    list = undefined
    if (!left || left.remove(listener) > 0) return
    setTimeout(() => {
      if (left.remove(listener) > 0 || lists.get(leftKey) !== left) return
      lists.delete(leftKey)
      left.stop()
    }, keepMs)
  }

  port.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
    if (data.type === 'retry') return list?.retry()
    leave()
    if (data.type === 'close') return port.close()
    key = JSON.stringify([data.url, data.token])
    list = lists.get(key)
    if (!list || list.isRefused()) {
      list = createLiveList(data.url, data.token)
      lists.set(key, list)
    }
    list.add(listener)
  })
  port.start()
}

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (port) serve(port)
})
