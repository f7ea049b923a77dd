import { isatty } from 'node:tty'

/**
 * Signals that people, service managers and schedulers send to processes, beside SIGTERM and SIGINT. Those of faults (SIGSEGV …),
 * SIGCHLD, SIGPIPE and SIGPROF are raised by this process itself; SIGKILL and SIGSTOP cannot be caught.
 */
const passed = [
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1', // without a listener Node opens its debugger
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGABRT', // a watchdog's
  'SIGWINCH',
  'SIGURG',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGXCPU',
  'SIGCONT',
] as const satisfies readonly NodeJS.Signals[]

/** Servers count their workers by these. A terminal stops jobs by them: there, all processes of a job have to stop. */
const passedWithoutTerminal = ['SIGTTIN', 'SIGTTOU'] as const satisfies readonly NodeJS.Signals[]

/** Hands all signals to `handle` that this process can catch, but SIGTERM and SIGINT. None ends it any more; SIGTSTP suspends it. */
export function catchSignals(handle: (name: NodeJS.Signals) => void): void {
  for (const name of isatty(0) ? passed : [...passed, ...passedWithoutTerminal]) process.on(name, () => handle(name))
  process.on('SIGTSTP', suspend)

  /** Stops as if nothing listened: unlike SIGSTOP, the system ignores SIGTSTP where no shell could resume the process. */
  function suspend(): void {
    handle('SIGTSTP')
    process.off('SIGTSTP', suspend)
    process.kill(process.pid, 'SIGTSTP')
    setImmediate(() => process.on('SIGTSTP', suspend))
  }
}
