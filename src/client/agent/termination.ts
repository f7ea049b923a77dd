/** Signals by which service managers and terminals end a process, with the exit codes that they expect. */
const exitCodes = { SIGTERM: 0, SIGINT: 130, SIGHUP: 129 } as const

type Close = () => Promise<void>

/** How the open agents of this process close. */
const open = new Set<Close>()
let isListening = false

/**
 * Closes an agent when the process is told to end, until the result is called. The process ends once all agents have left,
 * unless the program handles the signal itself: then it decides. Further signals change nothing.
 *
 * Windows knows no SIGTERM: a process that another one ends there cannot leave.
 */
export function closeOnSignals(close: Close): () => void {
  open.add(close)
  listenOnce()
  return () => void open.delete(close)
}

function listenOnce(): void {
  if (isListening) return
  isListening = true
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void end(name))
}

async function end(name: keyof typeof exitCodes): Promise<void> {
  const isAlone = process.listenerCount(name) === 1
  await Promise.allSettled([...open].map((close) => close()))
  if (isAlone) process.exit(exitCodes[name])
}
