import { type DoorRequest, type Door, DoorError } from '../../src/flow/door.ts'

/** An outgoing door without guards, for what is tested here is who knocks. */
export function openTestDoor(): Door & { readonly asked: { readonly url: string; readonly request: DoorRequest }[] } {
  const asked: { url: string; request: DoorRequest }[] = []

  async function request(url: string, request: DoorRequest) {
    asked.push({ url, request })
    const { method = 'GET', headers = {}, timeoutMs, maxBytes, signal } = request
    const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)))
    try {
      const response = await fetch(url, {
        method,
        headers,
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      })
      const body = Buffer.from(await response.arrayBuffer())
      if (body.length > maxBytes) throw new DoorError('protocol', `answers more than ${maxBytes} bytes`)
      return { status: response.status, headers: Object.fromEntries(response.headers), body, url: response.url }
    } catch (cause) {
      if (cause instanceof DoorError) throw cause
      throw new DoorError(deadline.aborted ? 'timeout' : 'refused', 'cannot be reached', { cause })
    }
  }

  return { asked, request, connect: () => Promise.resolve(), close: () => Promise.resolve() }
}
